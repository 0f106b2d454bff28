package compose

import (
	"cmp"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"recon/inventory/doctor"
)

var (
	// Settings that hold something secret, by the words of their name.
	secretName = regexp.MustCompile(`(?i)(^|[_.-])(pass|passwd|password|passphrase|pw|pwd|secret|secrets|token|tokens|apikey|api_?key|auth_?key|(private|access|secret|encryption|encrypt|master|signing|jwt|app|license|sync|account|service|claim|webhook|backup|admin|db|root|user)_?key|credentials?|dsn)(_?(base64|b64|hash_?key|[0-9]+|default|value|key|base|string))?$|(password|passwd|secret|apikey|authtoken)$`)
	// Names that only look like it.
	harmlessName = regexp.MustCompile(`(?i)(_FILE|_PATH|_DIR|_NAME|_ID|_URL|_URI|_HOST|_TYPE|_LENGTH|_TTL|_EXPIR\w*|_AGE|_ENABLED?|_COUNT|_LIMIT|_HEADER|_ALGORITHM|_POLICY|_PUBLIC|PUBLIC_KEY|_REQUIRED|_LIFETIME|_TIMEOUT)$|^(NO|DISABLE|ENABLE|ALLOW|USE|SHOW|HIDE|REQUIRE|SKIP|GENERATE|RANDOM)_|_(NO|DISABLE|ENABLE|ALLOW|USE|SHOW|RANDOM|EMPTY|REQUIRE)_|RANDOM_ROOT_PASSWORD|EMPTY_PASSWORD`)
	// Values that are to be filled in, or say that there is none.
	placeholder = regexp.MustCompile(`(?i)^(|true|false|yes|no|on|off|none|null|nil|[0-9]{1,5}|\*+|x+|\.+|-+|\?+|_+|todo|tbd|fixme|redacted|hidden|secret|password|passwd|pass|contraseña|clave|passwort|kennwort|mot[-_ ]?de[-_ ]?passe|senha|wachtwoord|lösenord|hasło|пароль|token|key|apikey|api_?key|string|value|example|test|stub|temp|temporary|sample|dummy|foo|bar|foobar|abc|placeholder)$|change[-_ ]?(me|this|it|in)|replace[-_ ]?(me|this|with)|your[-_ ]|[-_ ]here[-_]*$|^my[-_ ]?(super)?[-_ ]?(secret|password|token|key)|some[-_ ]?(secret|password|token|key)|super[-_ ]?secret[-_ ]?(password|token|key)?$|insert[-_ ]|enter[-_ ]|put[-_ ]|fill[-_ ]|add[-_ ]your|^<.*>$|^\[.*\]$|example|placeholder|todo|redacted|not[-_]?a?[-_]?real|fake|dummy|x{4,}|\*{3,}|\.{3,}|/path/to|^(generate|random|openssl)[-_ ]|^(token|key|secret|password)[-_]from[-_]|^sk-[a-z-]*$|^disabled|^custom$|^(?:not[-_ ]?(?:needed|required|used|set)|unused|unset|no[-_ ]?(?:key|token|password))$|^(?:dein|deine|mein|meine|ihr|ihre|votre|mon|ton|tu|su|sua|seu|jouw|twoje)[-_ ]|^user[-_]provided$|^[a-z]+-local$|(?:^|[-_])demo(?:[-_]|$)|^['"+ ]*your|^some[-_a-z]*(secret|password|token|key|string|thing)|(?-i:^[A-Z]{2,}(_[A-Z]{2,})+$)|something|random|\S+ \S+ \S+ `)
	// Values that name a place where the secret is, or the way in which something works.
	reference = regexp.MustCompile(`(?i)^(/|\./|~/|file:|vault:|op://|env:|secret:|/run/secrets|ref\+|arn:|ENC\[|\$ANSIBLE|!vault|https?://[^@]*$)|^\{\{|\}\}$`)
	userName  = regexp.MustCompile(`(?i)(USER|USERNAME|DB|DATABASE|DB_?NAME|LOGIN)$`)
	// Passwords that programs come with: nobody's secret.
	wellKnown = []string{"admin", "administrator", "root", "toor", "postgres", "postgresql", "mysql", "mariadb", "mongo", "redis", "guest", "minio", "minioadmin", "user", "default", "nextcloud", "grafana", "rabbitmq", "docker", "demo", "local", "localhost", "public", "anonymous", "db_dev", "insecure", "mys3cr37p450r.*-", "secretpassword", "kibanaserver"}
	inURL     = regexp.MustCompile(`[a-z][a-z0-9+.-]*://[^\s/?#@"']+:[^\s/?#@"']+@`)
)

// isPlaceholder reports a value that somebody is to fill in.
func isPlaceholder(value string) bool { return placeholder.MatchString(strings.TrimSpace(value)) }

// trivial reports a value that keeps nothing secret: one to be filled in, one that a
// program comes with, or words that say what stands here (admin_secure_password).
func trivial(value string) bool {
	return isPlaceholder(value) || slices.Contains(wellKnown, strings.ToLower(value)) || generic.MatchString(value) || namedAfter.MatchString(value)
}

// namedAfter is the name of something and that it is a password: joplin_db_password.
var namedAfter = regexp.MustCompile(`(?i)^[a-z]+([-_ ][a-z]+)*[-_]?(pass|passwd|password|pw|pwd|secret)[0-9]{0,4}!?$`)

var generic = regexp.MustCompile(`(?i)^((very|super|strong|secure|random|secret|password|passwd|pass|passphrase|admin|root|user|name|db|database|smtp|mail|my|the|a|token|key|api|jwt|auth|default|initial|test|long|string|complex|safe|encryption|app|session)[-_. ]?)+[0-9]{0,3}!?$`)

// toFillIn is a comment beside a value that is to be replaced.
var toFillIn = regexp.MustCompile(`(?i)change|generat|random|openssl|replace|your|get this|need to`)

// secretsOf finds settings of a service's environment whose secret value stands in the
// file. Of the value only its length is kept.
func secretsOf(service *yaml.Node) (out []doctor.Secret) {
	settings := environmentOf(service)
	for _, e := range settings {
		if why := secretValue(e.name, e.value); why != "" && !toFillIn.MatchString(e.comment) && !slices.ContainsFunc(settings, func(o setting) bool { return o.name != e.name && o.value == e.value && userName.MatchString(o.name) }) {
			out = append(out, doctor.Secret{Name: e.name, Line: e.line, Why: why})
		}
	}
	slices.SortFunc(out, func(a, b doctor.Secret) int { return cmp.Compare(a.Line, b.Line) })
	return out
}

// secretValue says what is known of a value that is secret, "" when it is none.
func secretValue(name, value string) string {
	value = strings.TrimSpace(value)
	if u := inURL.FindString(variableText.ReplaceAllString(value, "$$v")); u != "" {
		if p := passwordOf(u); p != "" && !strings.Contains(p, "$") && !strings.Contains(p, "{{") && !trivial(p) && !strings.Contains(u, "://"+p+":") {
			return fmt.Sprintf("a URL with a password of %d characters", len([]rune(p)))
		}
		return ""
	}
	if !secretName.MatchString(name) || harmlessName.MatchString(name) {
		return ""
	}
	literal, isDefault := value, false
	if m := withDefault.FindStringSubmatch(value); m != nil {
		literal, isDefault = m[1], true
	}
	if strings.Contains(literal, "$${") {
		return "" // of a template, or of a shell in the container
	}
	literal = strings.ReplaceAll(literal, "$$", "\ue000")
	if aWord.MatchString(literal) && ofProgram.MatchString(name) || saysItsName(name, literal) || strings.Contains(literal, "$") || trivial(literal) || reference.MatchString(literal) || len([]rune(literal)) < 4 {
		return ""
	}
	if hashed.MatchString(literal) {
		return "" // nobody logs in with it
	}
	n := len([]rune(literal))
	if isDefault {
		if strings.IndexFunc(literal, func(r rune) bool { return r >= '0' && r <= '9' }) < 0 {
			return "" // a word for trying things out
		}
		return fmt.Sprintf("%d characters, as the default of a variable", n)
	}
	return fmt.Sprintf("%d characters", n)
}

// hashed is a password that was hashed, as crypt writes it, with doubled dollars.
var hashed = regexp.MustCompile(`^\x{e000}(?:argon2(?:id|i|d)|2[abxy]|scrypt|pbkdf2[a-z0-9-]*|apr1|y|[156])\x{e000}`)

// What a program makes, as a key, is no word: who writes one needs none.
var (
	aWord     = regexp.MustCompile(`^[a-z]{1,12}$`)
	ofProgram = regexp.MustCompile(`(?i)(api_?key|token)$`)
)

// saysItsName reports a value that is the name of its setting.
func saysItsName(name, value string) bool {
	bare := strings.NewReplacer("_", "", "-", "", ".", "")
	return strings.EqualFold(bare.Replace(name), bare.Replace(value))
}

// variableText is a variable, however it is written.
var variableText = regexp.MustCompile(`\$\{[^{}]*\}`)

// withDefault is a variable with a default, and nothing else.
var withDefault = regexp.MustCompile(`^\$\{[A-Za-z_][A-Za-z0-9_]*:?-([^${}]*)\}$`)

func passwordOf(prefix string) string {
	_, rest, _ := strings.Cut(prefix, "://")
	_, p, _ := strings.Cut(strings.TrimSuffix(rest, "@"), ":")
	if plain, err := url.PathUnescape(p); err == nil {
		return plain
	}
	return p
}

// A setting is one variable of a service's environment, as it is written.
type setting struct {
	name, value, comment string
	line                 int
}

// environmentOf reads environment: as it is written, a list or a mapping, with what is
// merged into it.
func environmentOf(service *yaml.Node) (out []setting) {
	n := valueOf(service, "environment")
	switch {
	case n == nil:
	case n.Kind == yaml.SequenceNode:
		for _, e := range n.Content {
			if k, v, ok := strings.Cut(valueText(e), "="); ok {
				out = append(out, setting{strings.TrimSpace(k), v, e.LineComment, e.Line})
			}
		}
	case n.Kind == yaml.MappingNode:
		out = mapped(n, 0)
	}
	return out
}

func mapped(n *yaml.Node, depth int) (out []setting) {
	for i := 0; depth < 4 && i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], aliased(n.Content[i+1])
		switch {
		case v == nil:
		case k.Value == "<<" && v.Kind == yaml.MappingNode:
			out = append(out, mapped(v, depth+1)...)
		case v.Kind == yaml.ScalarNode && v.Tag != "!!null":
			out = append(out, setting{k.Value, v.Value, k.LineComment + v.LineComment, k.Line})
		}
	}
	return out
}

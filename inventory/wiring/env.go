package wiring

import (
	"maps"
	"regexp"
	"slices"
	"strings"
)

// urlForm finds URLs with all that may stand before the host, of which nothing is kept.
var (
	urlForm  = regexp.MustCompile(`(?i)\b(?:jdbc:)?([a-z][a-z0-9+.-]{1,20})://(?:[^/@\s"'<>]*@)?(\[[0-9a-fA-F:]+\]|[A-Za-z0-9_.-]+)(?::(\d{1,5}))?(?:/([A-Za-z0-9_-]*))?`)
	goMySQL  = regexp.MustCompile(`@tcp\(([A-Za-z0-9_.-]+)(?::(\d{1,5}))?\)/([A-Za-z0-9_-]*)`)
	keyWords = regexp.MustCompile(`(?i)(?:^|[\s;])(?:host|server|data source)=([A-Za-z0-9_.-]+)`)
	hostPort = regexp.MustCompile(`^(\[[0-9a-fA-F:]+\]|[A-Za-z0-9_.-]+):(\d{1,5})$`)
	// hostKeys name settings whose value is a host and nothing else.
	hostKeys = regexp.MustCompile(`(?i)(^|_|[a-z])(HOST|SERVER|ADDR|ADDRESS|HOSTNAME|ENDPOINT|BROKER)$`)
	// ownKeys name settings that speak of the program itself.
	ownKeys = regexp.MustCompile(`(?i)^(HOST|HOSTNAME|SERVER|ADDR|ADDRESS|LISTEN.*|BIND.*|.*_LISTEN.*|.*_BIND.*|VIRTUAL_HOST|LETSENCRYPT_HOST|VIRTUAL_PORT|.*DOMAIN|.*TRUSTED.*|.*ALLOWED.*|.*PROXY.*|.*CORS.*|.*SELF.*|.*PUBLIC.*|.*EXTERNAL.*|(.*_)?(BASE|ROOT|SITE|APP)_?URL|.*ADVERTISED?.*)$`)
)

// schemes of databases, whose path is the name of one.
var databases = map[string]bool{"postgres": true, "postgresql": true, "mysql": true, "mariadb": true, "mongodb": true, "redis": true, "sqlserver": true}

// aliases of schemes that say the driver too: postgresql+asyncpg.
func scheme(s string) string {
	s, _, _ = strings.Cut(strings.ToLower(s), "+")
	return s
}

// Env reads the environment of a container: which settings name something else. Of a
// value nothing is kept but scheme, host, port and the name of a database.
func Env(env map[string]string) []Call {
	var out []Call
	add := func(c Call) {
		if c.To.Host != "" && !slices.Contains(out, c) {
			out = append(out, c)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(env)) {
		value := env[key]
		if ownKeys.MatchString(key) {
			continue
		}
		urls := urlForm.FindAllStringSubmatch(value, -1)
		for _, m := range urls {
			add(Call{key, urlOf(m), true})
		}
		if len(urls) > 0 {
			continue
		}
		if m := goMySQL.FindStringSubmatch(value); m != nil {
			add(Call{key, Endpoint{Scheme: "mysql", Host: host(m[1]), Port: port(m[2]), Database: m[3]}, true})
		}
		if m := keyWords.FindStringSubmatch(value); m != nil && strings.Contains(value, "=") {
			add(Call{key, Endpoint{Host: host(m[1])}, true})
		}
		if m := hostPort.FindStringSubmatch(value); m != nil {
			add(Call{key, Endpoint{Host: host(m[1]), Port: port(m[2])}, hostKeys.MatchString(key)})
		} else if hostKeys.MatchString(key) && host(value) != "" {
			add(Call{key, Endpoint{Host: host(value), Port: port(env[portKey(key)])}, env[portKey(key)] != ""})
		}
	}
	return out
}

// portKey is the setting that holds the port beside one that holds the host.
func portKey(key string) string {
	for _, word := range []string{"HOSTNAME", "HOST", "SERVER", "ADDRESS", "ADDR"} {
		if rest, ok := strings.CutSuffix(key, word); ok {
			return rest + "PORT"
		}
	}
	return ""
}

func urlOf(m []string) Endpoint {
	e := Endpoint{Scheme: scheme(m[1]), Host: host(m[2]), Port: port(m[3])}
	if databases[e.Scheme] && nameOfBase.MatchString(m[4]) {
		e.Database = m[4]
	}
	return e
}

// URL reads one URL, or host and port; Host is "" when it is neither.
func URL(s string) Endpoint {
	s = strings.TrimSpace(s)
	if m := urlForm.FindStringSubmatch(s); m != nil {
		return urlOf(m)
	}
	if m := hostPort.FindStringSubmatch(s); m != nil {
		return Endpoint{Host: host(m[1]), Port: port(m[2])}
	}
	return Endpoint{Host: host(s)}
}

package doctor

import (
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

var (
	localhost = regexp.MustCompile(`(?i)(?:^|[^A-Za-z0-9_.-])(localhost|127\.0\.0\.1|\[::1\]):([0-9]{1,5})\b`)
	bareLocal = regexp.MustCompile(`(?i)^(localhost|127\.0\.0\.1|::1|\[::1\])$`)
	hostNamed = regexp.MustCompile(`(?i)^(.*?_?)(HOST|HOSTNAME|SERVER|ADDR|ADDRESS|IP|BROKER|ENDPOINT)$`)
	// Settings that say where a program itself listens.
	listensOn = regexp.MustCompile(`(?i)(^|_)(BIND|LISTEN|LISTENING|INTERFACE|ALLOWED|TRUSTED|SELF|LOCAL)(_|$)`)
)

// Mentions finds localhost with a port in a text. It returns nothing else of the
// text, which may hold secrets.
func Mentions(where, text string) []Local {
	var out []Local
	for _, m := range localhost.FindAllStringSubmatch(text, -1) {
		if n, err := strconv.Atoi(m[2]); err == nil && n > 0 && n < 65536 {
			out = append(out, Local{Where: where, Host: m[1], Port: n})
		}
	}
	return out
}

// MentionsIn finds localhost in the environment of a container: with its port, or, as
// DB_HOST, with the port in DB_PORT.
func MentionsIn(env map[string]string) (out []Local) {
	for _, k := range slices.Sorted(maps.Keys(env)) {
		out = append(out, Mentions("environment "+k, env[k])...)
		m := hostNamed.FindStringSubmatch(k)
		if m == nil || !bareLocal.MatchString(strings.TrimSpace(env[k])) || listensOn.MatchString(k) || strings.Trim(m[1], "_") == "" {
			continue
		}
		local := Local{Where: "environment " + k, Host: strings.TrimSpace(env[k]), Bare: true}
		for _, sibling := range []string{m[1] + "PORT", k + "_PORT"} {
			if n, err := strconv.Atoi(strings.TrimSpace(env[sibling])); err == nil && n > 0 && n < 65536 {
				local.Port, local.Where = n, local.Where+" with "+sibling
			}
		}
		if local.Port > 0 {
			out = append(out, local)
		}
	}
	return out
}

// usualPorts are where the programs of well-known images listen, which a neighbour's
// compose entry has no reason to say.
var usualPorts = map[string]int{
	"redis": 6379, "valkey": 6379, "keydb": 6379, "memcached": 11211, "postgres": 5432, "postgresql": 5432, "mysql": 3306, "mariadb": 3306, "mongo": 27017, "rabbitmq": 5672,
	"influxdb": 8086, "elasticsearch": 9200, "eclipse-mosquitto": 1883, "mosquitto": 1883, "prometheus": 9090, "loki": 3100, "grafana": 3000, "node-exporter": 9100, "cadvisor": 8080,
	"alertmanager": 9093, "ollama": 11434, "radarr": 7878, "sonarr": 8989, "prowlarr": 9696, "jellyfin": 8096, "meilisearch": 7700, "nats": 4222,
}

// usualPort is where the program of a well-known image listens, 0 for any other image.
func usualPort(image string) int { return usualPorts[ImageName(image)] }

// ImageName is the last word of an image's name, without registry, owner and tag.
func ImageName(image string) string {
	name := image[strings.LastIndexByte(image, '/')+1:]
	if end := strings.IndexAny(name, ":@"); end >= 0 {
		name = name[:end]
	}
	return strings.ToLower(name)
}

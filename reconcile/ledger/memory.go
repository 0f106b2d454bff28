package ledger

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"recon/inventory"
)

// Applied returns the values last applied, by address.
func (l *Ledger) Applied() (map[inventory.Address]inventory.Applied, error) {
	out := map[inventory.Address]inventory.Applied{}
	err := l.each(`SELECT address, identity, body FROM applied`, func(rows *sql.Rows) error {
		var address, identity, body string
		if err := rows.Scan(&address, &identity, &body); err != nil {
			return err
		}
		addr, _, err := inventory.ParseAddress(address)
		if err != nil {
			return err
		}
		a := inventory.Applied{Identity: identity}
		if err := json.Unmarshal([]byte(body), &a); err != nil {
			return fmt.Errorf("last applied values of %s: %w", address, err)
		}
		out[addr] = a
		return nil
	})
	return out, err
}

func (l *Ledger) each(query string, scan func(*sql.Rows) error, args ...any) error {
	rows, err := l.db.Query(query, args...)
	if err != nil {
		return fmt.Errorf("read the ledger: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return fmt.Errorf("read the ledger: %w", err)
		}
	}
	return rows.Err()
}

// SetApplied remembers values as applied, all at once. Unchanged ones are not
// written.
func (l *Ledger) SetApplied(values map[inventory.Address]inventory.Applied) error {
	return l.tx(func(tx *sql.Tx) error {
		for addr, a := range values {
			body, err := json.Marshal(a)
			if err != nil {
				return err
			}
			_, err = tx.Exec(`INSERT INTO applied (address, identity, body) VALUES ($1, $2, $3)
				ON CONFLICT (address) DO UPDATE SET identity = excluded.identity, body = excluded.body`, addr.String(), a.Identity, string(body))
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// Forget drops what was applied to resources.
func (l *Ledger) Forget(addrs ...inventory.Address) error {
	return l.tx(func(tx *sql.Tx) error {
		for _, a := range addrs {
			if _, err := tx.Exec(`DELETE FROM applied WHERE address = $1`, a.String()); err != nil {
				return err
			}
		}
		return nil
	})
}

// Move gives the memory of an address to another one, unless that has its own.
func (l *Ledger) Move(from, to inventory.Address) error {
	return l.tx(func(tx *sql.Tx) error {
		for table, open := range map[string]string{"applied": "", "episodes": " AND resolved_at IS NULL"} {
			query := `UPDATE ` + table + ` SET address = $1 WHERE address = $2` + open + ` AND NOT EXISTS (SELECT 1 FROM ` + table + ` WHERE address = $3` + open + `)`
			if _, err := tx.Exec(query, to.String(), from.String(), to.String()); err != nil {
				return err
			}
		}
		return nil
	})
}

// A Sighting is a resource as it was last seen.
type Sighting struct {
	Address  inventory.Address
	Identity string
	Provider string
	At       time.Time
	Attrs    inventory.Attrs
	Running  inventory.Attrs
	Volatile inventory.Volatile
	Digest   string
}

type sightingBody struct {
	Attrs    map[inventory.Path]inventory.Value
	Running  map[inventory.Path]inventory.Value `json:",omitempty"`
	Status   string
	Node     string
	Template bool     `json:",omitempty"`
	HA       string   `json:",omitempty"`
	Pending  []string `json:",omitempty"`
	Digest   string

	Addresses   []string `json:",omitempty"`
	AddressesAt int64    `json:",omitempty"`
}

// Sightings returns the last good observation of every resource, by identity.
func (l *Ledger) Sightings() (map[string]Sighting, error) {
	out := map[string]Sighting{}
	err := l.each(`SELECT identity, address, provider, at, body FROM observed`, func(rows *sql.Rows) error {
		var s Sighting
		var address, body string
		var at int64
		if err := rows.Scan(&s.Identity, &address, &s.Provider, &at, &body); err != nil {
			return err
		}
		var b sightingBody
		if err := json.Unmarshal([]byte(body), &b); err != nil {
			return fmt.Errorf("last observation of %s: %w", address, err)
		}
		var err error
		if s.Address, _, err = inventory.ParseAddress(address); err != nil {
			return err
		}
		s.At, s.Attrs, s.Digest = fromUnix(at), inventory.AttrsOf(b.Attrs), b.Digest
		if b.Running != nil {
			s.Running = inventory.AttrsOf(b.Running)
		}
		s.Volatile = inventory.Volatile{Status: b.Status, Node: b.Node, Template: b.Template, HA: b.HA, Pending: b.Pending, Addresses: b.Addresses}
		if b.AddressesAt != 0 {
			s.Volatile.AddressesAt = fromUnix(b.AddressesAt)
		}
		out[s.Identity] = s
		return nil
	})
	return out, err
}

// SaveSightings remembers what was seen and forgets what is gone.
func (l *Ledger) SaveSightings(seen []inventory.Observation, gone []string) error {
	return l.tx(func(tx *sql.Tx) error {
		insert, err := tx.Prepare(`INSERT INTO observed (identity, address, provider, at, body) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (identity) DO UPDATE SET address = excluded.address, provider = excluded.provider, at = excluded.at, body = excluded.body`)
		if err != nil {
			return err
		}
		defer insert.Close()
		for i := range seen {
			o := &seen[i]
			body, err := json.Marshal(sightingBody{
				Attrs: o.Resource.Attrs.Values(), Running: runningValues(o), Status: o.Volatile.Status, Node: o.Volatile.Node, Template: o.Volatile.Template,
				HA: o.Volatile.HA, Pending: o.Volatile.Pending, Digest: o.Digest,
				Addresses: o.Volatile.Addresses, AddressesAt: addressesAt(o),
			})
			if err != nil {
				return err
			}
			if _, err := insert.Exec(o.Resource.Identity, o.Resource.Addr.String(), o.Resource.Provider, unix(o.At), string(body)); err != nil {
				return err
			}
		}
		for _, identity := range gone {
			if _, err := tx.Exec(`DELETE FROM observed WHERE identity = $1`, identity); err != nil {
				return err
			}
		}
		return nil
	})
}

// addressesAt is 0 for a guest that never said which addresses it has.
func addressesAt(o *inventory.Observation) int64 {
	if o.Volatile.AddressesAt.IsZero() {
		return 0
	}
	return unix(o.Volatile.AddressesAt)
}

func runningValues(o *inventory.Observation) map[inventory.Path]inventory.Value {
	if o.Running == nil {
		return nil
	}
	return o.Running.Values()
}

// A Source is a part of the world that could not be observed.
type Source struct {
	Provider, Scope string
	Since           time.Time
	Error           string
}

// Sources returns what could not be observed in the last run.
func (l *Ledger) Sources() ([]Source, error) {
	var out []Source
	err := l.each(`SELECT provider, scope, since, error FROM sources ORDER BY provider, scope`, func(rows *sql.Rows) error {
		var s Source
		var since int64
		if err := rows.Scan(&s.Provider, &s.Scope, &since, &s.Error); err != nil {
			return err
		}
		s.Since = fromUnix(since)
		out = append(out, s)
		return nil
	})
	return out, err
}

// SaveSources remembers what cannot be observed now, in place of what could not
// before.
func (l *Ledger) SaveSources(sources []Source) error {
	return l.tx(func(tx *sql.Tx) error {
		if _, err := tx.Exec(`DELETE FROM sources`); err != nil {
			return err
		}
		for _, s := range sources {
			if _, err := tx.Exec(`INSERT INTO sources (provider, scope, since, error) VALUES ($1, $2, $3, $4)`, s.Provider, s.Scope, unix(s.Since), s.Error); err != nil {
				return err
			}
		}
		return nil
	})
}

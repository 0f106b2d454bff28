package ledger

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"recon/inventory"
)

// Begin writes down that a step is about to be done, before it is. The write has
// reached the disk when Begin returns.
func (l *Ledger) Begin(addr inventory.Address, identity string, s inventory.Step) (int64, error) {
	body, err := json.Marshal(s)
	if err != nil {
		return 0, err
	}
	res, err := l.db.Exec(`INSERT INTO journal (address, identity, step, begun_at, outcome) VALUES ($1, $2, $3, $4, '')`, addr.String(), identity, string(body), unix(time.Now()))
	if err != nil {
		return 0, err
	}
	return res.LastInsertId()
}

// End writes down how a step ended.
func (l *Ledger) End(id int64, outcome string) error {
	_, err := l.db.Exec(`UPDATE journal SET ended_at = $1, outcome = $2 WHERE id = $3`, unix(time.Now()), outcome, id)
	return err
}

// An Entry is a step of the journal.
type Entry struct {
	ID       int64
	Address  inventory.Address
	Identity string
	Step     inventory.Step
	BegunAt  time.Time
}

// InFlight returns the steps that were begun and of which nobody knows how they
// ended: recon was killed.
func (l *Ledger) InFlight() ([]Entry, error) {
	var out []Entry
	err := l.each(`SELECT id, address, identity, step, begun_at FROM journal WHERE ended_at IS NULL ORDER BY id`, func(rows *sql.Rows) error {
		var e Entry
		var address, step string
		var begun int64
		if err := rows.Scan(&e.ID, &address, &e.Identity, &step, &begun); err != nil {
			return err
		}
		if err := json.Unmarshal([]byte(step), &e.Step); err != nil {
			return fmt.Errorf("journal entry %d: %w", e.ID, err)
		}
		var err error
		e.Address, _, err = inventory.ParseAddress(address)
		e.BegunAt = fromUnix(begun)
		out = append(out, e)
		return err
	})
	return out, err
}

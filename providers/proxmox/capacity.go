package proxmox

import (
	"regexp"
	"slices"
	"strings"

	"recon/inventory"
)

// capacities reads what nodes and storages have and use out of the list that is asked
// anyway.
func (r *reading) capacities(rows []resourceRow) {
	byName := map[string]*inventory.Storage{}
	for _, row := range rows {
		switch row.Type {
		case "node":
			for i := range r.nodes {
				if n := &r.nodes[i]; n.Name == row.Node {
					n.Cores, n.Memory, n.MemoryUsed = int64(row.Cores.int()), row.Memory.bytes(), row.Used.bytes()
				}
			}
		case "storage":
			addStorage(byName, row)
		}
	}
	for _, s := range byName {
		slices.SortFunc(s.On, func(a, b inventory.StoragePlace) int { return inventory.NaturalCompare(a.Node, b.Node) })
		r.stores = append(r.stores, *s)
	}
	slices.SortFunc(r.stores, func(a, b inventory.Storage) int { return inventory.NaturalCompare(a.Name, b.Name) })
}

// storageName is the form of a storage's name (PVE/JSONSchema.pm, pve-storage-id).
var storageName = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9\-_.]*[a-zA-Z0-9]$`)

func addStorage(byName map[string]*inventory.Storage, row resourceRow) {
	if !storageName.MatchString(row.Storage) || row.Node == "" {
		return // it cannot come from Proxmox
	}
	s := byName[row.Storage]
	if s == nil {
		content := slices.DeleteFunc(strings.Split(row.Content, ","), func(c string) bool { return c == "" })
		slices.Sort(content)
		s = &inventory.Storage{Name: row.Storage, Type: row.Plugin, Content: content, Shared: row.Shared.bool()}
		byName[row.Storage] = s
	}
	s.On = append(s.On, inventory.StoragePlace{Node: row.Node, Active: row.Status == "available", Size: row.Size.bytes(), Used: row.Taken.bytes()})
}

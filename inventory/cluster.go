package inventory

import "slices"

// A Node is a machine that carries guests. Sizes are 0 where the account may not see them.
type Node struct {
	Name       string `json:"name"`
	Online     bool   `json:"online"`
	Address    string `json:"address,omitempty"`
	Version    string `json:"version,omitempty"`
	Cores      int64  `json:"cores,omitempty"`
	Memory     int64  `json:"memory,omitempty"`      // bytes
	MemoryUsed int64  `json:"memory_used,omitempty"` // in steps; see Steady
}

// A Storage is where volumes lie: one place of its own on each node, or the same on all.
type Storage struct {
	Name    string
	Type    string
	Content []string // sorted
	Shared  bool
	On      []StoragePlace // sorted by node
}

// A StoragePlace is a storage as one node has it.
type StoragePlace struct {
	Node   string
	Active bool  `json:",omitzero"`
	Full   bool  `json:",omitzero"` // see Steady
	Size   int64 `json:",omitzero"` // bytes; 0 when it is not known
	Used   int64 `json:",omitzero"` // in steps; see Steady
}

// A storage is full from nine parts in ten on, and until it is well below that.
const (
	fullFrom  = 90
	fullUntil = 85
)

// Steady rounds what is in use so that it is told again only when it has changed by a
// step: a twentieth of all. Old is the same place at the last look.
func (p *StoragePlace) Steady(old StoragePlace) {
	if p.Size == 0 && !p.Active {
		p.Size, p.Used = old.Size, old.Used // as it was when it was there
	}
	if old.Size > 0 && max(p.Size-old.Size, old.Size-p.Size) <= old.Size/50 {
		p.Size = old.Size // some grow and shrink with what they hold
	}
	percent := int64(0)
	if p.Size > 0 {
		percent = p.Used / (p.Size/100 + 1)
	}
	p.Full = percent >= fullFrom || old.Full && percent >= fullUntil
	p.Used = steady(p.Used, old.Used, p.Size)
}

// Steady rounds the memory in use in the same way. A node that is down is as it was.
func (n *Node) Steady(old Node) {
	if !n.Online && n.Memory == 0 {
		n.Cores, n.Memory, n.MemoryUsed = old.Cores, old.Memory, old.MemoryUsed
	}
	n.MemoryUsed = steady(n.MemoryUsed, old.MemoryUsed, n.Memory)
}

func steady(now, told, all int64) int64 {
	step := max(all/20/GiB*GiB, GiB)
	switch {
	case all == 0:
		return 0
	case told > 0 && told%step == 0 && max(now-told, told-now) < step:
		return told
	}
	return min((now+step/2)/step*step, all)
}

// NodeNamed returns the node of that name among others, the zero Node when it is not there.
func NodeNamed(all []Node, name string) Node {
	if i := slices.IndexFunc(all, func(n Node) bool { return n.Name == name }); i >= 0 {
		return all[i]
	}
	return Node{}
}

// StorageNamed returns the storage of that name among others, the zero Storage when it is
// not there.
func StorageNamed(all []Storage, name string) Storage {
	if i := slices.IndexFunc(all, func(s Storage) bool { return s.Name == name }); i >= 0 {
		return all[i]
	}
	return Storage{}
}

// Place returns the storage as a node has it, the zero StoragePlace when it has not.
func (s *Storage) Place(node string) StoragePlace {
	if i := slices.IndexFunc(s.On, func(p StoragePlace) bool { return p.Node == node }); i >= 0 {
		return s.On[i]
	}
	return StoragePlace{}
}

package inventory

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// ErrNotFound is wrapped when nothing is called as somebody says.
var ErrNotFound = errors.New("unknown name")

// A notFoundError says what was looked for and what may have been meant.
type notFoundError string

// NotFound says that nothing is called so.
func NotFound(format string, args ...any) error { return notFoundError(fmt.Sprintf(format, args...)) }

func (e notFoundError) Error() string        { return string(e) }
func (e notFoundError) Is(target error) bool { return target == ErrNotFound }

// ErrAmbiguous is wrapped when several things are called as somebody says.
var ErrAmbiguous = errors.New("ambiguous name")

// An ambiguousError says what they are.
type ambiguousError string

// Ambiguous says that several things are called so.
func Ambiguous(format string, args ...any) error { return ambiguousError(fmt.Sprintf(format, args...)) }

func (e ambiguousError) Error() string        { return string(e) }
func (e ambiguousError) Is(target error) bool { return target == ErrAmbiguous }

// Find reads what people call a resource: its address, with a path inside it or without;
// its name, its vmid, or its identity, home/106, with a path behind it or without. What is
// called the same as another one is named by its address only.
func Find(all []Resource, text string) (Address, Path, error) {
	if addr, err := called(all, text); err != nil || !addr.IsZero() {
		return addr, "", err
	}
	addr, path, err := ParseAddress(text)
	if err == nil && slices.ContainsFunc(all, func(r Resource) bool {
		return addr.Names(r.Addr)
	}) {
		return addr, path, nil
	}
	for at := strings.LastIndexByte(text, '.'); at > 0; at = strings.LastIndexByte(text[:at], '.') {
		if named, wrong := called(all, text[:at]); wrong != nil || !named.IsZero() {
			return named, Path(text[at+1:]), wrong
		}
	}
	if err == nil {
		text = addr.String()
	}
	return addr, path, NotFound("there is no %s.%s", text, DidYouMean(text, namesOf(all)))
}

// called finds what has a name, a vmid or an identity; the zero address when nothing has.
func called(all []Resource, text string) (Address, error) {
	var found []Address
	for i := range all {
		r := &all[i]
		is := text == r.Identity || text == r.Name() || IsGuest(r.Addr.Kind) && text == LocalOf(r.Identity)
		if is && text != "" && !slices.Contains(found, r.Addr) {
			found = append(found, r.Addr)
		}
	}
	switch len(found) {
	case 0:
		return Address{}, nil
	case 1:
		return found[0], nil
	}
	slices.SortFunc(found, CompareAddress)
	return Address{}, Ambiguous("%q is %s and %s; write one of the addresses", text, found[0], found[1])
}

// namesOf are the addresses and names of resources, for suggestions.
func namesOf(all []Resource) (out []string) {
	for i := range all {
		out = append(out, all[i].Addr.String())
		if name := all[i].Name(); name != "" && !strings.ContainsAny(name, " \n") {
			out = append(out, name)
		}
	}
	return out
}

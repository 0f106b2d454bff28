// Package source reads the files of a home's repository as what they are: tables,
// property lists and headings of Markdown, YAML and HCL, Ansible inventories,
// compose files, drawings. It says what stands where and groups what its author
// grouped; what it means, and of whom it speaks, is decided by its caller.
//
// Every reader takes time that grows with the length of its text and no faster,
// since a repository may hold anything. That is why Markdown is read by lines here:
// a parser of the whole grammar takes minutes for a megabyte of half-open links.
package source

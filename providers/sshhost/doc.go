// Package sshhost is one connection to one machine: commands, files and sockets of
// it, as root where that is wanted.
//
// The connection is made at the first use and kept: every command is a session on
// it, every dialled socket a channel. Where the machine is found is what OpenSSH
// would say (HostName, User, Port, IdentityFile, ProxyJump of ssh_config(5));
// keys come from the agent and from key files, never from a password. Host keys
// are strict: an unknown key is an error that shows its fingerprint and the command
// that trusts it, a changed key is an error and nothing else.
//
// Root is reached with sudo -n alone. When sudo asks for a password the error says
// which line of sudoers is missing.
//
// A machine called "local" is this one: commands run without SSH.
package sshhost

package providers

import (
	"os/exec"
	"syscall"
	"time"
)

// Own makes a command the head of a group of processes that end with it, when its
// context does, and has nobody wait for output that something of it holds open.
func Own(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second
}

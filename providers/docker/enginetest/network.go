package enginetest

import (
	"fmt"
	"os"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// Network is the file that stands for the engine's network, for nsenter(1).
func (e *Engine) Network() string { return e.Dir + "/net" }

// makeNetwork makes a network that only the engine and its containers are in. It ends
// with the last of them, bridges and forwarding included, and engines of other tests
// have the same bridges without meeting each other.
func (e *Engine) makeNetwork() error {
	file, err := os.Create(e.Network())
	if err != nil {
		return err
	}
	file.Close()
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // for good: the thread is in the other network and ends with the goroutine
		done <- enterNetwork(e.Network())
	}()
	return <-done
}

// enterNetwork puts this thread into a new network, which the file keeps.
func enterNetwork(file string) error {
	if err := syscall.Unshare(syscall.CLONE_NEWNET); err != nil {
		return fmt.Errorf("make a network: %w", err)
	}
	if err := syscall.Mount(fmt.Sprintf("/proc/self/task/%d/ns/net", syscall.Gettid()), file, "", syscall.MS_BIND, ""); err != nil {
		return fmt.Errorf("keep the network: %w", err)
	}
	s, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(s)
	lo, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	lo.SetUint16(unix.IFF_UP)
	if err := unix.IoctlIfreq(s, unix.SIOCSIFFLAGS, lo); err != nil {
		return fmt.Errorf("bring up loopback: %w", err)
	}
	return nil
}

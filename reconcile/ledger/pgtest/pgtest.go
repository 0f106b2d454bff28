// Package pgtest starts a PostgreSQL server for a test: a cluster of its own in a
// folder of its own, on a free port, gone when the test is.
package pgtest

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver named pgx
)

// A Server is a running server.
type Server struct {
	port int
	n    int
}

// Start starts a server. It skips the test where there is none, and says so.
func Start(t testing.TB) *Server {
	t.Helper()
	bin := programs()
	if bin == "" {
		t.Skip("there is no PostgreSQL server on this machine; Debian's package postgresql has one")
	}
	attr, dir, err := account()
	if err != nil {
		t.Skipf("a PostgreSQL server does not run as root, and there is nobody else to run it: %v", err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	data := filepath.Join(dir, "data")
	run(t, attr, dir, filepath.Join(bin, "initdb"), "--pgdata", data, "--username", "recon", "--auth", "trust", "--encoding", "UTF8", "--locale", "C", "--no-sync")
	s := &Server{port: freePort(t)}
	s.serve(t, attr, dir, filepath.Join(bin, "postgres"), "-D", data, "-p", strconv.Itoa(s.port), "-h", "127.0.0.1", "-k", "", "-F")
	s.await(t)
	return s
}

// programs returns the folder of the newest server's programs, "" without one.
func programs() string {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if len(found) > 0 {
		return filepath.Dir(slices.Max(found))
	}
	path, err := exec.LookPath("initdb")
	if err != nil {
		return ""
	}
	return filepath.Dir(path)
}

// account returns as whom the server runs, and a folder of that account: postgres
// when the test is root's.
func account() (*syscall.SysProcAttr, string, error) {
	attr := &syscall.SysProcAttr{Pdeathsig: syscall.SIGQUIT}
	uid, gid := os.Getuid(), os.Getgid()
	if uid == 0 {
		u, err := user.Lookup("postgres")
		if err != nil {
			return nil, "", err
		}
		uid, _ = strconv.Atoi(u.Uid)
		gid, _ = strconv.Atoi(u.Gid)
		attr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	}
	dir, err := os.MkdirTemp("", "recon-postgres-")
	if err != nil {
		return nil, "", err
	}
	return attr, dir, os.Chown(dir, uid, gid)
}

func run(t testing.TB, attr *syscall.SysProcAttr, dir, name string, args ...string) {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: attr.Credential}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", filepath.Base(name), err, out)
	}
}

// serve runs the server until the test ends; it dies with the test, too.
func (s *Server) serve(t testing.TB, attr *syscall.SysProcAttr, dir, name string, args ...string) {
	t.Helper()
	var out bytes.Buffer
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.SysProcAttr, cmd.Stdout, cmd.Stderr = dir, attr, &out, &out
	started, ended := make(chan error, 1), make(chan struct{})
	go func() {
		runtime.LockOSThread() // the kernel ties the server's life to this thread
		defer close(ended)
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait()
		}
	}()
	if err := <-started; err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGQUIT)
		<-ended
		if t.Failed() && t.Context().Err() == nil {
			t.Logf("the server said:\n%s", &out)
		}
	})
}

func freePort(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// await waits until the server answers.
func (s *Server) await(t testing.TB) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for {
		db, err := sql.Open("pgx", s.url("public"))
		if err != nil {
			t.Fatal(err)
		}
		err = db.PingContext(ctx)
		db.Close()
		if err == nil {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("the server does not answer: %v", err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (s *Server) url(schema string) string {
	return fmt.Sprintf("postgres://recon@127.0.0.1:%d/postgres?search_path=%s", s.port, schema)
}

// Database makes an empty schema, which is as good as a database of its own and made
// at once, and returns its URL.
func (s *Server) Database(t testing.TB) string {
	t.Helper()
	s.n++
	name := fmt.Sprintf("home%d", s.n)
	s.Exec(t, s.url("public"), "CREATE SCHEMA "+name)
	return s.url(name)
}

// Exec runs a statement in a database.
func (s *Server) Exec(t testing.TB, url, statement string, args ...any) {
	t.Helper()
	db := Open(t, url)
	defer db.Close()
	if _, err := db.Exec(statement, args...); err != nil {
		t.Fatal(err)
	}
}

// Open connects to a database.
func Open(t testing.TB, url string) *sql.DB {
	t.Helper()
	db, err := sql.Open("pgx", url)
	if err != nil {
		t.Fatal(err)
	}
	return db
}

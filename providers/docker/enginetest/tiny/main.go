// Tiny is the only program of the image with which tests run containers: it
// listens, resolves and links as its arguments say, and then waits.
package main

import (
	"fmt"
	"net"
	"os"
	"os/signal"
	"strings"
	"syscall"
)

func main() {
	for _, arg := range os.Args[1:] {
		word, rest, _ := strings.Cut(arg, "=")
		switch word {
		case "listen": // listen=0.0.0.0:7878
			l, err := net.Listen("tcp", rest)
			check(err)
			go serve(l)
		case "resolve": // resolve=name
			ips, err := net.LookupHost(rest)
			fmt.Println(rest, ips, err)
		case "link": // link=/from/file:/to/file
			from, to, _ := strings.Cut(rest, ":")
			fmt.Println(rest, os.Link(from, to))
		case "exit":
			os.Exit(0)
		case "fail":
			os.Exit(1)
		}
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	<-stop
}

func serve(l net.Listener) {
	for {
		c, err := l.Accept()
		check(err)
		c.Close()
	}
}

func check(err error) {
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

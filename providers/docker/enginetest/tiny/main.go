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
		case "dns": // dns=10.0.0.1:53: answers every question for an address with 192.0.2.7
			go answer(rest)
		case "resolve": // resolve=name
			ips, err := net.LookupHost(rest)
			fmt.Println(rest, ips, err)
		case "link": // link=/from/file:/to/file
			from, to, _ := strings.Cut(rest, ":")
			fmt.Println(rest, os.Link(from, to))
		case "write": // write=/folder/file
			check(os.WriteFile(rest, nil, 0o644))
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

// answer is a name server with one answer.
func answer(addr string) {
	c, err := net.ListenPacket("udp", addr)
	check(err)
	buf := make([]byte, 1500)
	for {
		n, from, err := c.ReadFrom(buf)
		check(err)
		if n < 17 {
			continue
		}
		end := 12
		for end < n && buf[end] != 0 {
			end += int(buf[end]) + 1
		}
		end += 5
		if end > n {
			continue
		}
		reply := append([]byte{buf[0], buf[1], 0x85, 0x80, 0, 1, 0, 0, 0, 0, 0, 0}, buf[12:end]...)
		if buf[end-3] == 1 { // a question for an IPv4 address
			reply[7] = 1
			reply = append(reply, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 7)
		}
		c.WriteTo(reply, from)
	}
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

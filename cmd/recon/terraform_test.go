package main

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"net/url"
	"os"
	"strings"
)

// fakeTerraform stands in for terraform with a provider for Proxmox, which cannot be
// had without the network. Its code is code.json in the current folder: the
// resource, what it shall be, and the call by which the provider makes it so. Scripts
// name it with binary = "fake-terraform".
func fakeTerraform() {
	args := os.Args[1:]
	switch {
	case args[0] == "version":
		fmt.Println(`{"terraform_version":"1.11.4","platform":"linux_amd64","provider_selections":{}}`)
	case args[0] == "state":
		fmt.Print(string(fakeRead("terraform.tfstate")))
	case args[0] == "plan":
		fakePlan(fakeFlag(args, "-out="), fakeFlag(args, "-target="))
	case args[0] == "show":
		fmt.Print(string(fakeRead(args[len(args)-1])))
	case args[0] == "apply":
		fakeApply()
	default:
		log.Fatalf("fake-terraform knows no %q", args)
	}
}

type fakeCode struct {
	Error   string         `json:"error"`   // terraform plan fails with it
	Address string         `json:"address"` // of the resource
	Type    string         `json:"type"`
	Change  map[string]any `json:"change"` // of terraform show -json
	Path    string         `json:"path"`   // of the call
	Params  url.Values     `json:"params"`
	State   string         `json:"state"` // a file that becomes the state
}

func fakeRead(name string) []byte {
	data, err := os.ReadFile(name)
	if err != nil {
		log.Fatal(err)
	}
	return data
}

func fakeFlag(args []string, prefix string) string {
	for _, a := range args {
		if v, ok := strings.CutPrefix(a, prefix); ok {
			return v
		}
	}
	log.Fatalf("%q has no %s", args, prefix)
	return ""
}

func readFakeCode() (c fakeCode) {
	if err := json.Unmarshal(fakeRead("code.json"), &c); err != nil {
		log.Fatal(err)
	}
	return c
}

func fakePlan(out, target string) {
	c := readFakeCode()
	if c.Error != "" {
		fmt.Fprintln(os.Stderr, c.Error)
		os.Exit(1)
	}
	if target != c.Address {
		log.Fatalf("the target is %s, and the code has %s", target, c.Address)
	}
	plan, err := json.Marshal(map[string]any{
		"format_version": "1.2", "terraform_version": "1.11.4",
		"resource_changes": []any{map[string]any{"address": c.Address, "mode": "managed", "type": c.Type, "name": "x", "change": c.Change}},
	})
	if err == nil {
		err = os.WriteFile(out, plan, 0o600)
	}
	if err != nil {
		log.Fatal(err)
	}
	os.Exit(0)
}

func fakeApply() {
	c := readFakeCode()
	req, err := http.NewRequest(http.MethodPut, os.Getenv("PVE_ENDPOINT")+"/api2/json"+c.Path, strings.NewReader(c.Params.Encode()))
	if err != nil {
		log.Fatal(err)
	}
	req.Header.Set("Authorization", "PVEAPIToken="+os.Getenv("PVE_TOKEN"))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}} // the simulator of the test
	resp, err := client.Do(req)
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		log.Fatal(resp.Status)
	}
	fmt.Println("Modifying... password hunter2-canary")
	if err := os.WriteFile("terraform.tfstate", fakeRead(c.State), 0o600); err != nil {
		log.Fatal(err)
	}
}

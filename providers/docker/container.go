package docker

import (
	"context"
	"strings"
	"sync"

	"github.com/moby/moby/api/types/container"
)

// Labels that compose puts on what it makes (compose, pkg/api/labels.go).
const (
	labelProject = "com.docker.compose.project"
	labelService = "com.docker.compose.service"
	labelFiles   = "com.docker.compose.project.config_files"
	labelNeeds   = "com.docker.compose.depends_on"
)

// nameOf returns a container's own name: without the slash, and not that of a link
// from another container, which has a second slash.
func nameOf(names []string) string {
	for _, n := range names {
		if n = strings.TrimPrefix(n, "/"); !strings.Contains(n, "/") {
			return n
		}
	}
	return ""
}

// find returns the container that a manifest means: by its name, else by the
// service of a compose file, else by project and service.
func find(list []container.Summary, name string) *container.Summary {
	for i := range list {
		if nameOf(list[i].Names) == name {
			return &list[i]
		}
	}
	var found *container.Summary
	for i := range list {
		project, service := list[i].Labels[labelProject], list[i].Labels[labelService]
		if service == "" || service != name && project+"/"+service != name {
			continue
		}
		if found != nil {
			return nil // two projects have such a service
		}
		found = &list[i]
	}
	return found
}

// inspectAll looks at containers, as many at a time as there are connections.
func (e *engine) inspectAll(ctx context.Context, list []container.Summary) ([]container.InspectResponse, error) {
	out, there, errs := make([]container.InspectResponse, len(list)), make([]bool, len(list)), make([]error, len(list))
	slots := make(chan struct{}, maxEngineConns)
	var wg sync.WaitGroup
	for i := range list {
		if ctx.Err() != nil {
			break
		}
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			out[i], there[i], errs[i] = e.inspect(ctx, list[i].ID)
		})
	}
	wg.Wait()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	kept := out[:0]
	for i := range out {
		if errs[i] != nil {
			return nil, errs[i]
		}
		if there[i] { // one that went away meanwhile is no longer there, that is all
			kept = append(kept, out[i])
		}
	}
	return kept, nil
}

package pvesim

// newRoutes builds the table of everything that is answered.
func newRoutes(s *Server) *routeTable {
	t := &routeTable{server: s, root: &routeNode{children: map[string]*routeNode{}}}
	t.add("GET", "/", "", nil, index("version", "cluster", "nodes", "storage", "access", "pools"))
	t.add("GET", "/version", "", nil, version)
	clusterRoutes(t)
	haRoutes(t)
	sdnRoutes(t)
	firewallRoutes(t)
	nodeRoutes(t)
	taskRoutes(t)
	guestRoutes(t)
	storageRoutes(t)
	contentRoutes(t)
	poolRoutes(t)
	accessRoutes(t)
	userRoutes(t)
	backupRoutes(t)
	mappingRoutes(t)
	return t
}

func taskRoutes(t *routeTable) {
	p := "/nodes/{node}/tasks"
	t.add("GET", p, "errors:b limit:i>=0 since:i source(archive|active|all) start:i>=0 statusfilter typefilter until:i userfilter vmid:i>=100<=999999999", nil, nodeTasks)
	t.add("GET", p+"/{upid}", "", nil, index("log", "status"))
	t.add("DELETE", p+"/{upid}", "", nil, stopTask)
	t.add("GET", p+"/{upid}/status", "", nil, taskStatus)
	t.add("GET", p+"/{upid}/log", "download:b limit:i>=0 start:i>=0", nil, taskLog)
}

// fullVersion is the release with its patch level.
func (s *Server) fullVersion() string {
	return map[string]string{"8.4": "8.4.14", "9.1": "9.1.6", "9.2": "9.2.11"}[s.release]
}

func (s *Server) repoid() string {
	return map[string]string{"8.4": "b502d23c55afcba1", "9.1": "71482d1833ded40a", "9.2": "14a22df35955d97d"}[s.release]
}

func version(c *call) (any, error) {
	o := obj{"release": c.s.release, "version": c.s.fullVersion(), "repoid": c.s.repoid()}
	if v := c.s.world.Options["console"]; v != "" {
		o["console"] = v
	}
	return o, nil
}

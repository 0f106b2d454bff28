package pvesim

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// keepTasks is how many finished tasks are remembered.
const keepTasks = 5000

// task is one worker process of a node.
type task struct {
	upid   string
	node   string
	pid    int
	pstart int64
	start  time.Time
	end    time.Time
	typ    string
	id     string
	user   string // with !token
	status string // exit status, "" while it runs
	log    []string
	abort  chan struct{}
}

// taskList holds the tasks, oldest first.
type taskList struct {
	all  []*task
	upid map[string]*task
}

func newTaskList() *taskList { return &taskList{upid: map[string]*task{}} }

func (l *taskList) add(t *task) {
	l.all = append(l.all, t)
	l.upid[t.upid] = t
	if len(l.all) > keepTasks {
		delete(l.upid, l.all[0].upid)
		l.all = slices.Delete(l.all, 0, 1)
	}
}

func (t *task) running() bool { return t.status == "" }

// logf adds a line to the task's log.
func (t *task) logf(format string, args ...any) { t.log = append(t.log, fmt.Sprintf(format, args...)) }

// job is what a task does. It runs under the server's lock, after the task
// time.
type job func(t *task) error

// taskHooks are the parts of a task beyond its job.
type taskHooks struct {
	duration time.Duration // beyond Options.TaskTime
}

// start begins a task on a node and returns its UPID. The lock is held.
func (c *call) start(node, typ, id string, do job) string {
	return c.startWith(node, typ, id, taskHooks{}, do)
}

func (c *call) startWith(node, typ, id string, hooks taskHooks, do job) string {
	s := c.s
	t := &task{node: node, typ: typ, id: id, user: c.who.full(), pid: s.nextPID(), start: time.Now(), abort: make(chan struct{})}
	t.pstart = int64(time.Since(s.started)/(10*time.Millisecond)) + int64(t.pid)
	t.upid = fmt.Sprintf("UPID:%s:%08X:%08X:%08X:%s:%s:%s:", node, t.pid, t.pstart, t.start.Unix(), typ, id, t.user)
	s.tasks.add(t)
	s.logEvent(node, t.user, "starting task "+t.upid)
	s.wg.Go(func() { s.runTask(t, hooks, do) })
	return t.upid
}

func (s *Server) runTask(t *task, hooks taskHooks, do job) {
	timer := time.NewTimer(s.opts.TaskTime + hooks.duration)
	defer timer.Stop()
	aborted := false
	select {
	case <-timer.C:
	case <-t.abort:
		aborted = true
	case <-s.ctx.Done():
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t.status = "OK"
	var err error
	if msg := s.taskFault(t.typ); msg != "" {
		said := strings.Split(msg, "\n") // the last line is the error, the others are the log
		for _, line := range said[:len(said)-1] {
			t.logf("%s", line)
		}
		err = die("%s", said[len(said)-1])
	} else if aborted {
		err = die("received interrupt")
	} else {
		err = do(t)
	}
	if err != nil {
		t.status = strings.TrimRight(oneLine(err.Error()), " ")
		t.logf("TASK ERROR: %s", t.status)
	} else {
		t.logf("TASK OK")
	}
	t.end = time.Now()
	s.logEvent(t.node, t.user, "end task "+t.upid+" "+t.status)
	s.dirty()
}

// userAndToken splits a full name.
func userAndToken(full string) (user, token string) {
	user, token, _ = strings.Cut(full, "!")
	return user, token
}

// row is a finished or running task as lists show it.
func (t *task) row(cluster bool) obj {
	user, token := userAndToken(t.user)
	o := obj{"upid": t.upid, "node": t.node, "starttime": t.start.Unix(), "type": t.typ, "id": t.id, "user": user}
	if token != "" {
		o["tokenid"] = token
	}
	if cluster {
		o["saved"] = "1"
	} else {
		o["pid"], o["pstart"] = t.pid, t.pstart
	}
	if !t.running() {
		o["endtime"], o["status"] = t.end.Unix(), t.status
		return o
	}
	if cluster {
		o["saved"] = "0"
		return o
	}
	o["status"], o["user"] = "RUNNING", t.user
	delete(o, "tokenid")
	return o
}

// task finds the task of the path on its node.
func (c *call) task() (*task, error) {
	upid := c.uri["upid"]
	parts := strings.Split(upid, ":")
	if len(parts) != 9 || parts[0] != "UPID" {
		return nil, badParam("upid", "invalid format - unable to parse worker upid '"+upid+"'\n")
	}
	t := c.s.tasks.upid[upid]
	if t == nil || t.node != c.node() {
		return nil, badParam("upid", "no such task")
	}
	if !c.own(t.user) {
		if err := c.check("/nodes/"+t.node, "Sys.Audit"); err != nil {
			return nil, err
		}
	}
	return t, nil
}

func taskStatus(c *call) (any, error) {
	t, err := c.task()
	if err != nil {
		return nil, err
	}
	o := t.row(false)
	user, token := userAndToken(t.user)
	o["user"] = user
	if token != "" {
		o["tokenid"] = token
	}
	delete(o, "endtime")
	o["status"] = "running"
	if !t.running() {
		o["status"], o["exitstatus"] = "stopped", t.status
	}
	return o, nil
}

func taskLog(c *call) (any, error) {
	t, err := c.task()
	if err != nil {
		return nil, err
	}
	lines := t.log
	if len(lines) == 0 {
		lines = []string{"no content"}
	}
	start, limit := atoi(c.p["start"]), 50
	if v, ok := c.p["limit"]; ok {
		limit = atoi(v)
	}
	rows := []obj{}
	for i := start; i < len(lines) && (limit == 0 || i < start+limit); i++ {
		rows = append(rows, obj{"n": i + 1, "t": lines[i]})
	}
	return totalled{rows, len(lines)}, nil
}

func stopTask(c *call) (any, error) {
	t, err := c.task()
	if err != nil {
		return nil, err
	}
	if t.running() {
		select {
		case <-t.abort:
		default:
			close(t.abort)
		}
	}
	return nil, nil
}

// nodeTasks is GET /nodes/N/tasks: newest first, finished ones by default.
func nodeTasks(c *call) (any, error) {
	source := orElse(c.p["source"], "archive")
	audit := c.may("/nodes/"+c.node(), "Sys.Audit")
	var rows []obj
	for _, t := range slices.Backward(c.s.tasks.all) {
		if t.node != c.node() || !(audit || c.own(t.user)) || !c.wanted(t) {
			continue
		}
		if t.running() && source == "archive" || !t.running() && source == "active" {
			continue
		}
		rows = append(rows, t.row(false))
	}
	total, start, limit := len(rows), atoi(c.p["start"]), 50
	if c.has("limit") {
		limit = atoi(c.p["limit"])
	}
	rows = rows[min(start, total):min(start+limit, total)]
	return totalled{append([]obj{}, rows...), total}, nil
}

// wanted applies the filters of nodeTasks.
func (c *call) wanted(t *task) bool {
	switch {
	case c.has("vmid") && t.id != c.p["vmid"],
		c.has("userfilter") && !strings.Contains(t.user, c.p["userfilter"]),
		c.has("typefilter") && t.typ != c.p["typefilter"],
		c.flag("errors") && (t.running() || t.status == "OK"),
		c.has("since") && t.start.Unix() < int64(atoi(c.p["since"])),
		c.has("until") && t.start.Unix() > int64(atoi(c.p["until"])):
		return false
	}
	return true
}

// clusterTasks is GET /cluster/tasks: the last 25 of every node.
func clusterTasks(c *call) (any, error) {
	rows := []obj{}
	perNode := map[string]int{}
	for _, t := range slices.Backward(c.s.tasks.all) {
		if !c.may("/nodes/"+t.node, "Sys.Audit") && !c.own(t.user) || perNode[t.node] >= 25 {
			continue
		}
		perNode[t.node]++
		rows = append(rows, t.row(true))
	}
	return rows, nil
}

// logEntry is a line of the cluster log.
type logEntry struct {
	at   time.Time
	node string
	user string
	msg  string
	uid  int
	pid  int
}

// logEvent writes to the cluster log, which keeps the last thousands. The
// lock is held.
func (s *Server) logEvent(node, user, msg string) {
	s.serial++
	s.log = append(s.log, logEntry{time.Now(), node, user, msg, s.serial, 1000 + s.serial})
	if len(s.log) > keepTasks {
		s.log = slices.Delete(s.log, 0, len(s.log)-keepTasks)
	}
}

// audit writes what a change of a guest leaves in the cluster log.
func (c *call) audit(format string, args ...any) {
	c.s.logEvent(c.node(), c.who.full(), fmt.Sprintf(format, args...))
}

func clusterLog(c *call) (any, error) {
	limit := 500
	if c.has("max") {
		limit = atoi(c.p["max"])
	}
	audit := c.may("/", "Sys.Syslog")
	rows := []obj{}
	for _, e := range slices.Backward(c.s.log) {
		if !audit && !c.own(e.user) || len(rows) >= limit {
			continue
		}
		rows = append(rows, obj{"uid": e.uid, "id": e.uid, "time": e.at.Unix(), "pri": 6, "tag": "pvedaemon", "pid": e.pid, "node": e.node, "user": e.user, "msg": "<" + e.user + "> " + e.msg})
	}
	return rows, nil
}

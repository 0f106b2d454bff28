package main

import (
	"math"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// Most runs are over before collecting garbage has paid: they may use memoryFloor
// first. From then on garbage is collected each time memory has grown by
// memoryGrowth percent, a little earlier than Go does by itself; with both, a plan of
// 1,000 guests stays below 100 MiB.
const (
	memoryFloor  = 64 << 20
	memoryGrowth = 65
)

// paceGC decides when garbage is collected, unless the environment does.
func paceGC() {
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	debug.SetGCPercent(-1)
	debug.SetMemoryLimit(memoryFloor)
	afterEachGC(func() (again bool) {
		live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
		metrics.Read(live)
		if live[0].Value.Uint64()*(100+memoryGrowth)/100 < memoryFloor {
			return true
		}
		debug.SetGCPercent(memoryGrowth)
		debug.SetMemoryLimit(math.MaxInt64)
		return false
	})
}

// afterEachGC calls do after each collection for as long as it wants to be called.
func afterEachGC(do func() (again bool)) {
	runtime.AddCleanup(new([16]byte), func(struct{}) {
		if do() {
			afterEachGC(do)
		}
	}, struct{}{})
}

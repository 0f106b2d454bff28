package docker

import "flag"

// races is how many rounds TestSwapRaces has, of five steps each; make attack wants more.
var races = flag.Int("swap.races", 4, "rounds of the race between recon and who swaps folders")

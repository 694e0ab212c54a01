package stacktest

import "testing"

func TestStack(t *testing.T) {
	needEngine(t)
	s := up(t)
	_ = s
}

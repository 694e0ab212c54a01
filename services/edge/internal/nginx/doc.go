// Package nginx runs nginx as a child, hands over what it writes, and looks at
// its processes. It is for Linux, as the edge is.
package nginx

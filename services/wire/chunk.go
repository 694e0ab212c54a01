package wire

import "strconv"

// Framing of HTTP/1.1 (RFC 9112, section 7.1).
const (
	CRLF      = "\r\n"
	LastChunk = "0\r\n\r\n"
	// SizeRoom is the longest size line: eight digits and the line end.
	SizeRoom = 10
)

// AppendSizeLine appends the line before the n bytes of a chunk.
func AppendSizeLine(dst []byte, n int) []byte {
	dst = strconv.AppendUint(dst, uint64(n), 16)
	return append(dst, CRLF...)
}

// AppendChunk appends text as one chunk.
func AppendChunk[T string | []byte](dst []byte, text T) []byte {
	dst = AppendSizeLine(dst, len(text))
	dst = append(dst, text...)
	return append(dst, CRLF...)
}

// FrameInPlace makes one chunk of a buffer whose first [SizeRoom] bytes are
// free, and returns it. The buffer grows by the line end.
func FrameInPlace(buf *[]byte) []byte {
	var line [SizeRoom]byte
	size := AppendSizeLine(line[:0], len(*buf)-SizeRoom)
	*buf = append(*buf, CRLF...)
	start := SizeRoom - len(size)
	copy((*buf)[start:], size)
	return (*buf)[start:]
}

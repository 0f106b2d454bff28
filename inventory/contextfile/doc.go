// Package contextfile keeps recon's blocks in Markdown files: the marker engine,
// and the renderers of what stands between the markers. It is pure: bytes in,
// bytes out.
//
// A block stands between two marker lines,
//
//	<!-- recon:begin id=home v=1 sum=0123456789ab -->
//	<!-- recon:end id=home -->
//
// or the same in Obsidian's %% ... %%, on lines of their own and outside code
// fences. The rules:
//
//   - Bytes outside the markers never change: not their line endings, not a byte
//     order mark, not a missing final newline, not invalid UTF-8.
//   - sum is the hash of what recon wrote. A block whose text has another hash was
//     edited by hand and is not overwritten.
//   - A duplicate, nested, unclosed or unknown block, or a Git conflict marker, is
//     an error with its line, and nothing is written.
//   - Same facts, same bytes.
//
// Live names are hostile text until they match the form of their field; what does
// not match never reaches a document.
package contextfile

/** As wide as tables are. */
const WIDTH = 100

/**
 * Words in lines of at most 100 columns; a longer word gets a line of its own.
 *
 * @param indent what lines begin with
 * @param first what the first one begins with instead
 */
export function wrapped(text: string, indent: string, first = ''): string[] {
  const lines: string[] = []
  let [line, words] = [first, 0]
  for (const word of text.split(' ')) {
    if (words > 0 && line.length + 1 + word.length > WIDTH) {
      lines.push(line)
      ;[line, words] = [indent, 0]
    }
    line += words++ === 0 ? word : ` ${word}`
  }
  return [...lines, line]
}

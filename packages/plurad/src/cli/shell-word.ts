/** A path as a shell takes it: in quotes where it holds more than letters, digits and what is harmless. */
export function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
}

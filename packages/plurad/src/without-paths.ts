/**
 * The same without the folders of files, which are of the machine's owner and may name people: of absolute paths, and of relative
 * ones that begin with a dot, the last part is left.
 */
export function withoutPaths<T>(value: T): T {
  return stripped(value) as T
}

function stripped(value: unknown): unknown {
  if (typeof value === 'string')
    return /^(\.{1,2}[\\/]|([a-z]:)?[\\/])/i.test(value) ? value.replace(/^.*[\\/]/, '') : value
  if (Array.isArray(value)) return value.map(stripped)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, stripped(inner)]))
}

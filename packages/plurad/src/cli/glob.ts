/** File name patterns, for shells that leave them as they are and for more files than a shell can pass on. */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'

/** Whether a name is a pattern: `*`, `?`, `[abc]` or `{a,b}`. */
export function isGlob(text: string): boolean {
  return /[*?[{]/.test(text)
}

/**
 * The files that match, sorted: `*` and `?` stand for characters of one name, `**` for any folders, `[a-c]` for one
 * character of a set, `{a,b}` for one of several. As in shells, hidden files match only a pattern that names the dot.
 */
export async function expandGlob(pattern: string): Promise<string[]> {
  const parts = pattern.split('/')
  const fixed = parts.slice(0, -1).findIndex(isGlob)
  const base = parts.slice(0, fixed < 0 ? parts.length - 1 : fixed)
  const rest = parts.slice(base.length)
  const expression = toExpression(rest.join('/'))
  const deep = rest.length > 1
  const folder = base.length === 0 ? '.' : base.join('/') || '/'
  const entries = await readdir(folder, { withFileTypes: true, recursive: deep }).catch(() => [])
  return entries
    .filter((entry) => !entry.isDirectory())
    .map(({ parentPath, name }) => join(parentPath, name).replaceAll('\\', '/'))
    .filter((path) => expression.test(relative(path, folder)))
    .sort()
}

function relative(path: string, folder: string): string {
  const start = join(folder, '/').replaceAll('\\', '/')
  return path.startsWith(start) ? path.slice(start.length) : path
}

/** Every kind of text that a pattern is made of, the longest first. */
const PIECES = /\*\*\/|\*\*|\*|\?|\[[!^]?[^\]]+\]|\{[^}]*\}|[^*?[{]+|[[{]/g

function toExpression(pattern: string): RegExp {
  const source = [...pattern.matchAll(PIECES)].map(({ 0: piece, index }) => {
    const begins = index === 0 || pattern[index - 1] === '/'
    const visible = begins ? '(?!\\.)' : ''
    if (piece === '**/') return '(?:(?!\\.)[^/]+/)*'
    if (piece === '**') return `${visible}.*`
    if (piece === '*') return `${visible}[^/]*`
    if (piece === '?') return `${visible}[^/]`
    if (/^\[.+\]$/.test(piece)) return `${visible}${piece.replace(/^\[!/, '[^').replaceAll('\\', '\\\\')}`
    if (/^\{.*\}$/.test(piece)) return `(?:${piece.slice(1, -1).split(',').map(escaped).join('|')})`
    return escaped(piece)
  })
  return new RegExp(`^${source.join('')}$`)
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
}

/** What a page that needs nothing else has to be. */
import { createHash } from 'node:crypto'
import { expect } from 'vitest'

const VOID = new Set(['meta', 'br', 'wbr', 'link', 'img', 'input', 'hr'])

/** Throws at the first tag that is not closed in order; returns the names of all elements. */
export function elementsOf(page: string): string[] {
  const markup = page.replace(/<(style|script)>[^]*?<\/\1>/g, '<$1></$1>').replace('<!doctype html>', '')
  const open: string[] = []
  const names: string[] = []
  for (const [tag, close, name, rest] of markup.matchAll(/<(\/?)([a-zA-Z][\w-]*)((?:"[^"]*"|[^"<>])*)>/g)) {
    if (close) {
      if (open.pop() !== name) throw new Error(`${tag} closes another element near ${open.join(' ')}`)
      continue
    }
    names.push(name)
    if (!VOID.has(name) && !rest.endsWith('/')) open.push(name)
  }
  if (open.length > 0) throw new Error(`not closed: ${open.join(' ')}`)
  const left = markup.replace(/<\/?[a-zA-Z][\w-]*(?:"[^"]*"|[^"<>])*>/g, '')
  if (/[<>]/.test(left))
    throw new Error(`a stray < or > near: ${left.slice(left.search(/[<>]/) - 60).slice(0, 120)}`)
  return names
}

/** What matched and what stands round it, or nothing: a failing test need not print the page. */
export function found(page: string, pattern: RegExp): string {
  const at = page.search(pattern)
  return at < 0 ? '' : page.slice(Math.max(0, at - 40), at + 40)
}

/** The page may run the one script that stands in it, and load nothing. */
export function expectOwnScriptOnly(page: string): void {
  const script = /<script>([^]*?)<\/script>/.exec(page)?.[1] ?? ''
  const hash = createHash('sha256').update(script).digest('base64')
  expect(page).toContain(`script-src &#39;sha256-${hash}&#39;`)
  expect(page).toContain(`default-src &#39;none&#39;`)
}

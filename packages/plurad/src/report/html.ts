/** HTML that is safe to put in a page: made by {@link html} or {@link trusted}, never from a file's text. */
export class Html {
  constructor(readonly text: string) {}
}

type HtmlValue = Html | string | number | null | undefined | false | readonly HtmlValue[]

/**
 * A template whose values are escaped unless they are {@link Html} themselves. Lists are joined; null,
 * undefined and false leave nothing.
 */
export function html(strings: TemplateStringsArray, ...values: readonly HtmlValue[]): Html {
  return new Html(strings.reduce((text, string, i) => text + toHtml(values[i - 1]) + string))
}

/** Takes text as HTML. Only for text that this package wrote: style, script and the figures' SVG. */
export function trusted(text: string): Html {
  return new Html(text)
}

/** Text for element content and quoted attributes; characters that no document may hold are dropped. */
export function escapeHtml(text: string): string {
  return printable(text)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;')
}

/** A name that may be broken after its underscores and slashes, as label names are long words otherwise. */
export function breakable(name: string): Html {
  return trusted(
    name
      .split(/(?<=[_/])/)
      .map(escapeHtml)
      .join('<wbr>'),
  )
}

/** Text without the characters that no document may hold. */
export function printable(text: string): string {
  return text.replace(FORBIDDEN, '')
}

/**
 * Control characters (but tab and newline), and the marks that turn the direction of text round, with
 * which a label could rewrite its neighbours on screen.
 */
const FORBIDDEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069\ufffe\uffff]/g

function toHtml(value: HtmlValue): string {
  if (value === null || value === undefined || value === false) return ''
  if (value instanceof Html) return value.text
  if (typeof value === 'string' || typeof value === 'number') return escapeHtml(String(value))
  return value.map(toHtml).join('')
}

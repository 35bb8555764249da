/** The page's colours, by the names of its CSS variables. */
export const LIGHT = {
  page: '#ffffff',
  ink: '#1c2329',
  muted: '#5b6670',
  rule: '#e4e8eb',
  soft: '#f5f7f8',
  train: '#6d7a85',
  val: '#c2620e',
  test: '#0d69ad',
  warn: '#8a4b08',
  good: '#1a7f5a',
  bad: '#b3372f',
  // Head, medium and tail of the labels by their training images.
  head: '#0d69ad',
  medium: '#6d7a85',
  tail: '#c2620e',
} as const

export const DARK: Record<keyof typeof LIGHT, string> = {
  page: '#14181b',
  ink: '#e3e8eb',
  muted: '#98a4ad',
  rule: '#2b3237',
  soft: '#1c2125',
  train: '#93a0aa',
  val: '#e8964a',
  test: '#58a9e6',
  warn: '#efb27c',
  good: '#55c39a',
  bad: '#f0837a',
  head: '#58a9e6',
  medium: '#93a0aa',
  tail: '#e8964a',
}

/** `--name: value;` of each. */
export function asVariables(palette: Record<keyof typeof LIGHT, string>): string {
  return Object.entries(palette)
    .map(([name, value]) => `--${name}: ${value};`)
    .join(' ')
}

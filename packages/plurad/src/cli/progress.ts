/** Progress for people: one changing line on a terminal, a plain line now and then in a log. */
import { stderr } from 'node:process'

/** Seconds between lines where there is no terminal. */
const LOG_INTERVAL = 30

export class Progress {
  readonly #quiet: boolean
  #shown = 0
  #drawn = ''

  constructor({ quiet = false }: { quiet?: boolean } = {}) {
    this.#quiet = quiet
  }

  /** What is going on just now; drawn over on a terminal, seldom printed in a log. */
  update(text: string): void {
    if (this.#quiet) return
    const now = performance.now()
    if (stderr.isTTY) {
      if (now - this.#shown < 80) return
      this.#shown = now
      this.#drawn = text.slice(0, Math.max(20, (stderr.columns || 100) - 1))
      stderr.write(`\r\x1b[2K${this.#drawn}`)
    } else if (this.#shown === 0) {
      this.#shown = now
    } else if (now - this.#shown > LOG_INTERVAL * 1000) {
      this.#shown = now
      stderr.write(`${text}\n`)
    }
  }

  /** Something that stays. */
  line(text: string): void {
    if (this.#quiet) return
    this.clear()
    stderr.write(`${text}\n`)
    this.#shown = performance.now()
  }

  clear(): void {
    if (this.#drawn !== '') stderr.write('\r\x1b[2K')
    this.#drawn = ''
  }
}

/** `[#####.....]` */
export function bar(share: number, width = 20): string {
  const full = Math.round(Math.min(Math.max(share, 0), 1) * width)
  return `[${'#'.repeat(full)}${'.'.repeat(width - full)}]`
}

/** 75 -> `1:15`, 4000 -> `1:06:40`. */
export function duration(seconds: number): string {
  if (!Number.isFinite(seconds)) return '-:--'
  const whole = Math.round(seconds)
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60]
  const two = (value: number): string => String(value).padStart(2, '0')
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`
}

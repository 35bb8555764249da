import { html, type Html } from '../html.js'
import type { RunContents } from '../load.js'

/** Names under which a run may have kept its command line. */
const COMMAND_KEYS = ['command_line', 'command', 'argv']

/** The command, the recipe and the environment: what it takes to do the run again. */
export function reproduceSection(run: RunContents): Html {
  const command = commandLine(run)
  const environment = Object.entries(run.environment ?? {}).filter(([key]) => !COMMAND_KEYS.includes(key))
  return html`${
    command === null
      ? html`<p class="note">The run did not keep its command line. With its recipe:</p>
          <pre class="wrap">plurad train recipe.yaml --data DATA --out RUN</pre>`
      : html`<pre class="wrap">${command}</pre>`
  }
  ${
    run.recipe !== null &&
    html`<details>
      <summary>Recipe</summary>
      <pre>${run.recipe}</pre>
    </details>`
  }
  ${
    environment.length > 0 &&
    html`<details>
      <summary>Environment</summary>
      <dl class="pairs">
        ${environment
          .flatMap(([key, value]) => flatten(key, value))
          .map(
            ([key, value]) =>
              html`<dt>${key}</dt>
                <dd>${value}</dd>`,
          )}
      </dl>
    </details>`
  }`
}

/** A text or number of `environment.json`, under the first of the keys that it has; `{ name }` counts as its name. */
export function environmentText({ environment }: RunContents, keys: readonly string[]): string | null {
  for (const key of keys) {
    const value = environment?.[key]
    const plain = typeof value === 'object' && value !== null && 'name' in value ? value.name : value
    if (typeof plain === 'string' || typeof plain === 'number') return String(plain)
  }
  return null
}

function commandLine({ environment }: RunContents): string | null {
  for (const key of COMMAND_KEYS) {
    const value = environment?.[key]
    if (typeof value === 'string') return value
    if (Array.isArray(value)) return value.map((word) => quote(String(word))).join(' ')
  }
  return null
}

/** A word as a POSIX shell takes it. */
function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`
}

/** `{ cpu: { model, cores } }` -> `cpu model`, `cpu cores` */
function flatten(key: string, value: unknown): [string, string][] {
  if (Array.isArray(value)) return [[spaced(key), value.map((item) => plain(item)).join(', ')]]
  if (typeof value === 'object' && value !== null) {
    return Object.entries(value).flatMap(([inner, item]) => flatten(`${key} ${inner}`, item))
  }
  return [[spaced(key), plain(value)]]
}

function plain(value: unknown): string {
  return typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value)
}

function spaced(key: string): string {
  return key.replaceAll('_', ' ')
}

import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { aten, engineInfo, operator } from '../src/index.js'
import { native } from '../src/native.js'

const committed = readFileSync(new URL('../src/aten.generated.ts', import.meta.url), 'utf8')
const from = /schemas of libtorch (\S+):/.exec(committed)?.[1] ?? ''
const { version } = engineInfo()

describe('the types of the operators', () => {
  test.skipIf(version !== from)(
    `are those that libtorch ${from} generates (this engine is ${version})`,
    async () => {
      const script = fileURLToPath(new URL('../scripts/generate-aten.mjs', import.meta.url))
      const { generate } = (await import(script)) as {
        generate: (schemas: readonly string[], version: string) => string
      }
      const schemas = native.listOperators().filter((schema) => schema.startsWith('aten::'))
      expect(generate(schemas, version) === committed).toBe(true)
    },
  )

  test.skipIf(version !== from)('name operators that this engine has, every one', () => {
    const missing: string[] = []
    let count = 0
    let name = ''
    for (const line of committed.split('\n')) {
      name = /^ {2}"([^"]+)": \{$/.exec(line)?.[1] ?? name
      const overload = /^ {4}"([^"]+)": \(/.exec(line)?.[1]
      if (overload === undefined) continue
      count++
      try {
        operator(name, overload)
      } catch {
        missing.push(`${name}.${overload}`)
      }
    }
    expect(missing).toEqual([])
    expect(count).toBe(Number(/: (\d+) operators/.exec(committed)?.[1]))
  })

  test('an operator is bound once', () => {
    const { relu } = aten
    expect(aten.relu).toBe(relu)
    expect(aten.relu.default).toBe(relu.default)
  })
})

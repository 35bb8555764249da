/** The contract of every kind of stage: it says where it comes from, and knows its options. */
import { describe, expect, test } from 'vitest'
import { RecipeError } from '../../errors.js'
import { checkStage, stages } from './registry.js'

describe.each(Object.entries(stages))('stage %s', (name, { paper, options }) => {
  test('names its paper, and has a default for every option', () => {
    expect(name).toMatch(/^[a-z_]+$/)
    expect(paper).toMatch(/^[^\n]{10,200}$/)
    expect(options.safeParse({}).success).toBe(true)
    expect(() => checkStage({ name })).not.toThrow()
  })

  test('refuses an option that it does not have, by name', () => {
    expect(() => checkStage({ name, colour: 'red' })).toThrow(RecipeError)
    expect(() => checkStage({ name, colour: 'red' })).toThrow(/colour/)
  })
})

import { afterEach, describe, expect, it, vi } from 'vitest'
import { judgeTimed, type Judge } from './judge-timed.js'

afterEach(() => vi.restoreAllMocks())

/** Judges that take so many seconds a sample, by a clock that only they move. */
function judges(seconds: number) {
  let now = 0
  vi.spyOn(performance, 'now').mockImplementation(() => now)
  const calls: string[] = []
  const judge =
    (name: string): Judge =>
    (samples, { onProgress }) => {
      calls.push(`${name} ${samples.length}`)
      now += 1000 * seconds * samples.length
      onProgress?.(samples.length, samples.length)
      // The third sample cannot be read.
      const all = samples.map((sample) => Number(sample))
      const read = all.filter((sample) => sample !== 2)
      return Promise.resolve({
        indices: read.map((sample) => all.indexOf(sample)),
        scores: Float64Array.from(read),
        outOfDistribution: null,
        unreadable: all.includes(2) ? [{ image: '2', index: all.indexOf(2), reason: 'damaged' }] : [],
        warnings: [],
      })
    }
  return { calls, here: judge('here'), inThreads: judge('threads') }
}

const samples = (count: number): string[] => Array.from({ length: count }, (_, i) => String(i))

describe('judgeTimed', () => {
  it.each([
    [40, 0.01, ['here 1', 'here 1', 'here 38']],
    [40, 0.1, ['here 1', 'here 1', 'threads 38']],
    [3, 9, ['here 1', 'here 1', 'here 1']],
    [2, 9, ['here 1', 'here 1']],
    [1, 9, ['here 1', 'here 0']],
  ])('%i samples of %f s', async (count, seconds, expected) => {
    const { calls, here, inThreads } = judges(seconds)
    const told: number[] = []
    const onProgress = (done: number, total: number): void => {
      expect(total).toBe(count)
      told.push(done)
    }
    const judged = await judgeTimed(samples(count), { models: 1, onProgress }, here, inThreads)
    expect(calls).toEqual(expected)
    expect(told.at(-1)).toBe(count)
    const read = [...samples(count).keys()].filter((sample) => sample !== 2)
    expect(judged.indices).toEqual(read)
    expect([...judged.scores]).toEqual(read)
    expect(judged.unreadable).toEqual(count > 2 ? [{ image: '2', index: 2, reason: 'damaged' }] : [])
  })
})

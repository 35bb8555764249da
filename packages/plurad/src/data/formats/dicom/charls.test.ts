import { readdirSync, readFileSync } from 'node:fs'
import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { decodeWithCharLs } from './charls.js'
import './codec-file.js'
import { decodeCompressed, useForGreyJpegLs } from './codecs.js'
import { readCodestream, type Codestream } from './codestream.js'
import { encapsulatedFrame } from './encapsulation.js'
import { readDicom } from './file.js'

const folder = new URL('../../../../test/fixtures/dicom/files/', import.meta.url)

/** Grey JPEG-LS frames of the fixtures, by name. */
const frames = readdirSync(folder).flatMap((name): [string, Uint8Array][] => {
  const content = readFileSync(new URL(name, folder))
  try {
    const { syntax, bytes, pixels, image } = readDicom(content)
    if (syntax.compression !== 'jpeg-ls' || image.samples !== 1) return []
    return [[name, new Uint8Array(encapsulatedFrame(bytes, pixels, image.frames, 0))]]
  } catch {
    return []
  }
})

/** By dcmjs-codecs' build alone; null where that refuses it. */
function reference(codestream: Codestream): Uint8Array | null {
  useForGreyJpegLs(() => null)
  try {
    return decodeCompressed('jpeg-ls', codestream)
  } catch {
    return null
  }
}

afterEach(() => useForGreyJpegLs(decodeWithCharLs))

describe('CharLS', () => {
  it('has frames to decode', () => expect(frames.length).toBeGreaterThan(5))

  it.each(frames)('gives for %s what the other build gives', (_, data) => {
    const codestream = readCodestream(data, 'jpeg-ls')
    const decoded = decodeWithCharLs(codestream)
    expect(decoded).not.toBeNull()
    expect(decoded).toEqual(reference(codestream))
  })

  // JPEG-LS has no checksum: most of what is damaged is noticed, by the older CharLS of the other build a little more.
  it('gives for a damaged frame nothing or what the other build gives, and is whole after one', () => {
    const [, whole] = frames[0]
    const good = readCodestream(whole, 'jpeg-ls')
    const expected = decodeWithCharLs(good)
    const damaged = fc.record({
      frame: fc.constantFrom(...frames.map(([, data]) => data)),
      at: fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
      value: fc.integer({ min: 0, max: 255 }),
      cut: fc.boolean(),
    })
    let refused = 0
    fc.assert(
      fc.property(damaged, ({ frame, at, value, cut }) => {
        const data = frame.slice()
        const codestream = readCodestream(data, 'jpeg-ls')
        // Behind the header, which is checked before, and before the end marker.
        const header = Math.min(40, data.length - 2)
        const place = header + Math.floor(at * (data.length - 2 - header))
        if (cut) data.fill(0, place)
        else data[place] = value
        const decoded = decodeWithCharLs(codestream)
        if (decoded === null) refused++
        else expect([decoded, null]).toContainEqual(reference(codestream))
        expect(decodeWithCharLs(good)).toEqual(expected)
      }),
      { numRuns: 300 },
    )
    expect(refused).toBeGreaterThan(200)
  })

  it('leaves what it refuses to the build that says what is wrong', () => {
    const [, data] = frames[0]
    const damaged = data.slice()
    const codestream = readCodestream(damaged, 'jpeg-ls')
    damaged.fill(0, Math.floor(damaged.length / 3))
    useForGreyJpegLs(decodeWithCharLs)
    expect(() => decodeCompressed('jpeg-ls', codestream)).toThrow(
      /its compressed frame cannot be decoded \(.+\)/,
    )
  })
})

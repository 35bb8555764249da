import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { placeNames } from './place-names.js'

const AREA = { width: 300, height: 200 }
const widthOf = (name: string): number => 6 * name.length

describe('placeNames', () => {
  it('puts a name above its point, and below, right or left where there is no room', () => {
    const [above, below] = placeNames(
      [
        { name: 'one', x: 100, y: 100 },
        { name: 'two', x: 102, y: 104 },
      ],
      widthOf,
      AREA,
    )
    expect(above).toMatchObject({ align: 'center', dx: 0, dy: -11 })
    expect(below).toMatchObject({ align: 'center', dx: 0, dy: 11 })
    const [edge] = placeNames([{ name: 'at the edge', x: 1, y: 100 }], widthOf, AREA)
    expect(edge?.align).toBe('left')
  })

  it('never puts one name over another, nor outside', () => {
    const point = fc.record({
      name: fc.string({ minLength: 1, maxLength: 20 }),
      x: fc.double({ min: 0, max: AREA.width, noNaN: true }),
      y: fc.double({ min: 0, max: AREA.height, noNaN: true }),
    })
    fc.assert(
      fc.property(fc.array(point, { maxLength: 30 }), (points) => {
        const boxes = placeNames(points, widthOf, AREA).flatMap((place, i) => {
          if (place === null) return []
          const width = widthOf(points[i].name)
          const left =
            points[i].x +
            place.dx -
            (place.align === 'center' ? width / 2 : place.align === 'right' ? width : 0)
          const middle = points[i].y + place.dy
          return [{ left, right: left + width, top: middle - 5.5, bottom: middle + 5.5 }]
        })
        for (const [i, a] of boxes.entries()) {
          expect(a.left).toBeGreaterThanOrEqual(-1e-9)
          expect(a.right).toBeLessThanOrEqual(AREA.width + 1e-9)
          for (const b of boxes.slice(0, i)) {
            const apart =
              a.right <= b.left + 1e-9 ||
              b.right <= a.left + 1e-9 ||
              a.bottom <= b.top + 1e-9 ||
              b.bottom <= a.top + 1e-9
            expect(apart).toBe(true)
          }
        }
      }),
    )
  })
})

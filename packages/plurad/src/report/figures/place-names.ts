/** Names beside points, none over another. */

export interface NamedPoint {
  name: string
  /** Of the point, in pixels. */
  x: number
  y: number
}

export interface PlacedName {
  /** From the point, in pixels, to the middle of the text's near edge. */
  dx: number
  dy: number
  align: 'left' | 'center' | 'right'
}

interface Box {
  left: number
  right: number
  top: number
  bottom: number
}

const HEIGHT = 11
const RADIUS = 5

/**
 * Above, below, right, left or aslant of each point, whichever first is free of names and points, the first points first.
 *
 * @param widthOf of a name as drawn, pixels
 * @param area the names must lie in
 * @returns null for a name that has no room
 */
export function placeNames(
  points: readonly NamedPoint[],
  widthOf: (name: string) => number,
  area: { width: number; height: number },
): (PlacedName | null)[] {
  const taken: Box[] = points.map(({ x, y }) => around(x, y, RADIUS - 1, RADIUS - 1))
  return points.map(({ name, x, y }, own) => {
    const half = widthOf(name) / 2
    const places: PlacedName[] = [
      { dx: 0, dy: -RADIUS - 6, align: 'center' },
      { dx: 0, dy: RADIUS + 6, align: 'center' },
      { dx: RADIUS + 3, dy: 0, align: 'left' },
      { dx: -RADIUS - 3, dy: 0, align: 'right' },
      ...[-1, 1].flatMap((side): PlacedName[] => [
        { dx: RADIUS, dy: side * (RADIUS + 6), align: 'left' },
        { dx: -RADIUS, dy: side * (RADIUS + 6), align: 'right' },
      ]),
    ]
    for (const place of places) {
      const side = place.align === 'left' ? half : place.align === 'right' ? -half : 0
      const box = around(x + place.dx + side, y + place.dy, half, HEIGHT / 2)
      const isInside = box.left >= 0 && box.right <= area.width && box.top >= -12 && box.bottom <= area.height
      if (!isInside || taken.some((other, i) => i !== own && overlap(box, other))) continue
      taken.push(box)
      return place
    }
    return null
  })
}

function around(x: number, y: number, half: number, halfHeight: number): Box {
  return { left: x - half, right: x + half, top: y - halfHeight, bottom: y + halfHeight }
}

function overlap(a: Box, b: Box): boolean {
  return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom
}

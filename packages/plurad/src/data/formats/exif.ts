/** The one thing of EXIF that concerns pixels: how the camera was held. */

/** @param orientation 1 upright, to 8; anything else says nothing */
export function orientationWarning(orientation: number): string | undefined {
  if (!(orientation > 1 && orientation <= 8)) return undefined
  return (
    'the camera was turned; the picture is used as it is stored, as Pillow and torchvision do, and not turned upright ' +
    `(EXIF orientation ${orientation})`
  )
}

/** The orientation in the body of a JPEG's APP1 segment; 1 where it has none. */
export function exifOrientation(body: Uint8Array): number {
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength)
  const begin = 6
  if (body.length < begin + 8 || String.fromCharCode(...body.subarray(0, begin)) !== 'Exif\0\0') return 1
  const little = view.getUint16(begin) === 0x4949
  const directory = begin + view.getUint32(begin + 4, little)
  if (directory + 2 > body.length) return 1
  const entries = view.getUint16(directory, little)
  for (let at = directory + 2, entry = 0; entry < entries && at + 12 <= body.length; entry++, at += 12)
    if (view.getUint16(at, little) === ORIENTATION) return view.getUint16(at + 8, little)
  return 1
}

const ORIENTATION = 0x0112

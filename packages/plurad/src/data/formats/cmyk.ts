/**
 * Pillow's conversion, without colour management: `R = (255 - K) (255 - C) / 255`, and so on.
 *
 * @param channels 4, or 5 with an alpha that is dropped
 */
export function cmykToRgb(inks: Uint8Array, pixels: number, channels: number): Uint8Array {
  const rgb = new Uint8Array(pixels * 3)
  for (let pixel = 0, from = 0, to = 0; pixel < pixels; pixel++, from += channels) {
    const light = 255 - inks[from + 3]
    for (let ink = 0; ink < 3; ink++) {
      // Its rounding of a product of two bytes by 255, without a division.
      const product = inks[from + ink] * light + 128
      rgb[to++] = Math.max(0, light - (((product >> 8) + product) >> 8))
    }
  }
  return rgb
}

/** Probabilities that rounded to 0 or 1 stand for logits of about +-37, which a float64 sigmoid still tells apart. */
const MOST = -Math.log(2 ** -53)

/** `log(p / (1 - p))`, within +-37. */
export function logit(probability: number): number {
  return Math.min(MOST, Math.max(-MOST, Math.log(probability) - Math.log1p(-probability)))
}

export function sigmoid(logits: number): number {
  return logits >= 0 ? 1 / (1 + Math.exp(-logits)) : Math.exp(logits) / (1 + Math.exp(logits))
}

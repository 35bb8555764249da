/** How the parameter names of one library's version of an architecture become torchvision's, which are ours. */
export interface Translation {
  /** Whose names they are. */
  name: string
  /** Names of the backbones, as in the registry, that it is for. */
  backbones: RegExp
  /**
   * A key of the checkpoint (without prefix) -> torchvision's; null for what has no place there.
   *
   * @param all every key of the checkpoint, for names that depend on what else there is
   */
  key: (key: string, all: ReadonlySet<string>) => string | null
}

/** A pattern and what replaces it, as in `String.replace`, or a function of the groups. */
export type Rule = readonly [RegExp, string | ((...groups: string[]) => string)]

/** The first rule that matches the key makes the new one; null without one. */
export function byRules(key: string, rules: readonly Rule[]): string | null {
  for (const [pattern, to] of rules) {
    const match = pattern.exec(key)
    if (match === null) continue
    return typeof to === 'string' ? key.replace(pattern, to) : to(...match.slice(1))
  }
  return null
}

export const rulesOf = (rules: readonly Rule[]) => (key: string) => byRules(key, rules)

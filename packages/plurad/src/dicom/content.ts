/** Content items of structured reports (PS3.3, C.17.3). */
import { item, type Code } from './codes.js'
import { decimalString, type Dataset } from './write.js'

/** How an item belongs to the one that holds it. */
type Relationship = 'CONTAINS' | 'HAS CONCEPT MOD' | 'HAS OBS CONTEXT' | 'INFERRED FROM'

interface Base {
  relationship: Relationship
  name: Code
  content?: readonly Dataset[]
}

export function container({ relationship, name, content = [] }: Base, template?: string): Dataset {
  return {
    ...head('CONTAINER', { relationship, name, content }),
    ContinuityOfContent: 'SEPARATE',
    ...(template === undefined ? {} : { ContentTemplateSequence: templateItem(template) }),
  }
}

function templateItem(identifier: string): Dataset {
  return { MappingResource: 'DCMR', TemplateIdentifier: identifier }
}

export function text(base: Base, value: string): Dataset {
  return { ...head('TEXT', base), TextValue: value }
}

export function code(base: Base, value: Code): Dataset {
  return { ...head('CODE', base), ConceptCodeSequence: item(value) }
}

export function uidRef(base: Base, uid: string): Dataset {
  return { ...head('UIDREF', base), UID: uid }
}

export function number(base: Base, value: number, unit: Code): Dataset {
  return {
    ...head('NUM', base),
    MeasuredValueSequence: {
      NumericValue: decimalString(value),
      FloatingPointValue: value,
      MeasurementUnitsCodeSequence: item(unit),
    },
  }
}

/** @param reference see `referenceTo` */
export function image(base: Omit<Base, 'name'> & { name?: Code }, reference: Dataset): Dataset {
  return { ...head('IMAGE', base), ReferencedSOPSequence: reference }
}

function head(
  type: string,
  { relationship, name, content = [] }: Omit<Base, 'name'> & { name?: Code },
): Dataset {
  return {
    RelationshipType: relationship,
    ValueType: type,
    ...(name === undefined ? {} : { ConceptNameCodeSequence: item(name) }),
    ...(content.length === 0 ? {} : { ContentSequence: content }),
  }
}

/** What we use of dcmjs, which has no types of its own. */
declare module 'dcmjs' {
  /** Attributes by the names of PS3.6. */
  type Dataset = Record<string, unknown>
  interface DicomDict {
    dict: object
    write(options?: object): ArrayBuffer
  }
  const dcmjs: {
    data: {
      DicomDict: new (meta: object) => DicomDict
      DicomMetaDictionary: { denaturalizeDataset(dataset: Dataset): object }
    }
  }
  export default dcmjs
}

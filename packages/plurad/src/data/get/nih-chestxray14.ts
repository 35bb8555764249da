/**
 * NIH ChestX-ray14 from the Clinical Center's own share: the addresses of its `batch_download_zips.py`, MD5 sums of
 * the archives as its FAQ lists them; SHA-256 sums of the table and the lists computed from the published files.
 */
import type { Source, SourceFile } from './sources.js'

const SHARE = 'https://nihcc.app.box.com/v/ChestXray-NIHCC'

/** In the order of `images_001.tar.gz` …: name of the static link, bytes, MD5. */
const ARCHIVES: readonly [link: string, bytes: number, md5: string][] = [
  ['vfk49d74nhbxq3nqjg0900w5nvkorp5c', 2_008_470_987, 'fe8ed0a6961412fddcbb3603c11b3698'],
  ['i28rlmbvmfjbl8p2n3ril0pptcmcu9d1', 3_952_623_504, 'ab07a2d7cbe6f65ddd97b4ed7bde10bf'],
  ['f1t00wrtdk94satdfb9olcolqx20z2jp', 3_929_234_850, '2301d03bde4c246388bad3876965d574'],
  ['0aowwzs5lhjrceb3qp67ahp0rd1l1etg', 3_838_903_983, '9f1b7f5aae01b13f4bc8e2c44a4b8ef6'],
  ['v5e3goj22zr6h8tzualxfsqlqaygfbsn', 3_935_496_531, '1861f3cd0ef7734df8104f2b0309023b'],
  ['asi7ikud9jwnkrnkj99jnpfkjdes7l6l', 3_986_301_172, '456b53a8b351afd92a35bc41444c58c8'],
  ['jn1b4mw4n6lnh74ovmcjb8y48h8xj07n', 4_016_328_426, '1075121ea20a137b87f290d6a4a5965e'],
  ['tvpxmn7qyrgl0w8wfh9kqfjskv6nmm1j', 4_018_347_353, 'b61f34cec3aa69f295fbb593cbd9d443'],
  ['upyy3ml7qdumlgk2rfcvlb9k6gvqq2pj', 4_111_327_929, '442a3caa61ae9b64e61c561294d1e183'],
  ['l6nilvfa9cg3s28tqv1qc1olm3gnz54p', 4_181_556_296, '09ec81c4c31e32858ad8cf965c494b74'],
  ['hhq8fkdgvcari67vfhs7ppg2w6ni4jze', 4_187_084_020, '499aefc67207a5a97692424cf5dbeed5'],
  ['ioqwiy20ihqwyr8pf4c24eazhh281pbu', 2_914_187_733, 'dc9fda1757c2de0032b63347a7d2895c'],
]

function table(name: string, id: string, bytes: number, sha256: string): SourceFile {
  const url = `https://nihcc.app.box.com/index.php?rm=box_download_shared_file&vanity_name=ChestXray-NIHCC&file_id=f_${id}`
  return { name, url, bytes, md5: null, sha256, unpack: false }
}

const FILES: readonly SourceFile[] = [
  table(
    'Data_Entry_2017_v2020.csv',
    '219760887468',
    9_003_496,
    'c69a6daca3549af707ca9cacbdf9f9a7b6a9188e8c61157df653520bb72d8eb1',
  ),
  table(
    'train_val_list.txt',
    '256056636701',
    1_470_907,
    '61fbe896321c1c1c8b75f3e4f3a08e4fef6486d95ef8a667c31d4d60dca6cb81',
  ),
  table(
    'test_list.txt',
    '256055473534',
    435_131,
    '38ca5ef7f756092946f57c1a59faca882ed589a1ab1f72590b45dc06c6d5e1cc',
  ),
  table(
    'BBox_List_2017.csv',
    '219760940956',
    92_416,
    '0bbfea9d4c4e9771481b3023b1bc9f0df9dea924453b12986beb29b0c4d0c95b',
  ),
  ...ARCHIVES.map(([link, bytes, md5], at): SourceFile => ({
    name: `images_${String(at + 1).padStart(3, '0')}.tar.gz`,
    url: `https://nihcc.box.com/shared/static/${link}.gz`,
    bytes,
    md5,
    sha256: null,
    unpack: true,
  })),
]

export const nihChestXray14: Source = {
  name: 'nih-chestxray14',
  family: 'nih-chestxray14',
  title: 'NIH ChestX-ray14',
  description: 'frontal chest radiographs of 30,805 patients with 14 findings, in 12 archives',
  images: 112_120,
  labels: 14,
  atMost: FILES.reduce((sum, { bytes }) => sum + (bytes ?? 0), 0),
  licence: {
    name: "the NIH Clinical Center's terms",
    terms:
      'Use is unrestricted, provided that you link to the original download site, acknowledge the NIH Clinical Center ' +
      'and cite the paper.',
    url: SHARE,
  },
  citations: [
    'Wang et al., ChestX-ray8: Hospital-scale Chest X-ray Database and Benchmarks on Weakly-Supervised Classification ' +
      'and Localization of Common Thorax Diseases, IEEE CVPR, 2017, pp. 3462-3471',
  ],
  homepage: SHARE,
  files: FILES,
  location: '.',
  size: 1024,
  channels: 1,
}

/** What a model or a download cannot do, said in words for people. */
export class SqueezeBertError extends Error {
  override readonly name = "SqueezeBertError";
}

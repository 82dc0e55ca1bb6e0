/** What models answer, under the names that the Python package gives. Positions count as JavaScript's
 * strings do, in UTF-16: `text.slice(entity.start, entity.end)`. */

/** The classes of a text. */
export interface Classification {
  /** The likeliest label; "" for a regression. */
  label: string;
  /** A probability for each label, likeliest first; the number of a regression under "". */
  scores: { label: string; score: number }[];
}

/** A named stretch of a text. */
export interface Entity {
  /** "PER", "ORG", "LOC", "MISC", or what else the model knows. */
  type: string;
  text: string;
  start: number;
  /** Behind its last. */
  end: number;
  /** The least probability among the tags of its words. */
  score: number;
}

/** A token that may stand in a gap. */
export interface Candidate {
  /** As the vocabulary writes it: "##ing" continues a word. */
  token: string;
  score: number;
}

/** A [MASK] in a text. */
export interface Gap {
  start: number;
  end: number;
  /** The likeliest first. */
  candidates: Candidate[];
}

/** What a keyboard offers for a cursor: words for the place from start to end. */
export interface Suggestions {
  start: number;
  end: number;
  words: Suggestion[];
}

export interface Suggestion {
  word: string;
  /** How it relates to what stands in the place. */
  kind: "next" | "typed" | "completion" | "correction";
  /** Its probability among all words that might be meant. */
  score: number;
}

export type Task = "text_classification" | "token_classification" | "masked_lm";

/** What a model is. */
export interface ModelInfo {
  task: Task;
  labels: string[];
  hiddenSize: number;
  layers: number;
  /** That compute an answer. */
  threads: number;
  vocabSize: number;
  /** The engine's version. */
  version: string;
}

/** A question to a model; each task has its own. */
export type Question =
  | { call: "classify"; text: string; pair?: string }
  | { call: "tag"; text: string }
  | { call: "fill"; text: string; topK: number }
  | { call: "suggest"; text: string; cursor: number; topK: number };

export type Answer = Classification | Entity[] | Gap[] | Suggestions;

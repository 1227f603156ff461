/** Undo and redo over revisions that the gateway numbers: an undo is a new revision there. Pure. */

export class Changes {
  /** @param {number} revision the current one */
  constructor(revision) {
    this.states = Array.from({ length: revision }, (_, at) => at + 1);
    this.at = revision - 1;
  }

  /**
   * As it was before the page was left, where nobody has changed anything since.
   * @param {number} revision the current one
   * @param {string | null} kept of `kept`
   */
  static again(revision, kept) {
    const made = new Changes(revision);
    const before = kept && JSON.parse(kept);
    if (before?.revision === revision) Object.assign(made, { states: before.states, at: before.at });
    return made;
  }

  /** To be given to `again`. @param {number} revision the current one */
  kept(revision) {
    return JSON.stringify({ revision, states: this.states, at: this.at });
  }

  /** Somebody here made a revision. @param {number} revision */
  did(revision) {
    if (this.states[this.at] === revision) return; // nothing became other
    this.states = [...this.states.slice(0, this.at + 1), revision];
    this.at = this.states.length - 1;
  }

  /** The revision that says what was said before the last change; undefined where there is none. */
  get before() {
    return this.states[this.at - 1];
  }

  /** The revision that says what was undone last. */
  get after() {
    return this.states[this.at + 1];
  }

  undone() {
    this.at--;
  }

  redone() {
    this.at++;
  }
}

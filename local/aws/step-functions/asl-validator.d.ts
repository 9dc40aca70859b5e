declare module 'asl-validator' {
  interface Result {
    readonly isValid: boolean;
    errorsText(separator?: string): string;
  }

  /** Checks a definition in Amazon States Language. Adds defaults to the object that it is given. */
  function aslValidator(definition: object): Result;
  export = aslValidator;
}

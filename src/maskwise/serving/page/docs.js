// The page for programmers, in the language of the other.

import { preferredLanguage, speak } from "./words.js";

speak(preferredLanguage());

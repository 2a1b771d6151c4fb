// Every family, each defined in the file of its name.
#pragma once

#include "models/family.h"

namespace hearth::models {

extern const Family kLlama;  // Llama 1 to 3, Mistral, Mixtral, SmolLM2
extern const Family kQwen2;
extern const Family kQwen3;
extern const Family kQwen3Moe;
extern const Family kGemma2;
extern const Family kGemma3;
extern const Family kPhi2;
extern const Family kPhi3;  // and 3.5, Phi-4

}  // namespace hearth::models

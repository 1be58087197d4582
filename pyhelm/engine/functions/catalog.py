"""Every template function: its name, the module that holds it, and its Go signature.

A table and nothing else, so that a template costs only the modules of the functions it names. A line reads
`names… module[:callable] signature`; names joined by `|` share one callable, which is named after the first unless
the line says otherwise. `engine` as module: the function needs the running engine, which supplies it.
"""

from __future__ import annotations

__all__ = ["MODULES", "SIGNATURES"]

_MAP = "map[string]interface {}"
_LIST = "[]interface {}"
_CERT = "sprig.certificate"

_TABLE = """
include                                 engine          string,any->string
tpl                                     engine          string,any->string
required                                engine          string,any->any
fail                                    engine          string->string
lookup                                  engine          string,string,string,string->MAP
getHostByName                           engine          string->string

and                                     builtins:and_   any,...any->any
or                                      builtins:or_    any,...any->any
not                                     builtins:not_   any->bool
eq                                      builtins        any,...any->bool
ne                                      builtins        any,any->bool
lt                                      builtins        any,any->bool
le                                      builtins        any,any->bool
gt                                      builtins        any,any->bool
ge                                      builtins        any,any->bool
len                                     builtins:len_   any->int
index                                   builtins        any,...any->any
call                                    builtins        any,...any->any
print                                   builtins:print_ ...any->string
printf                                  builtins        string,...any->string
println                                 builtins        ...any->string
html                                    builtins        ...any->string
js                                      builtins        ...any->string
urlquery                                builtins        ...any->string

toYaml                                  encoding:to_yaml                any->string
mustToYaml                              encoding:must_to_yaml           any->string
toYamlPretty                            encoding:to_yaml_pretty         any->string
fromYaml                                encoding:from_yaml              string->MAP
fromYamlArray                           encoding:from_yaml_array        string->LIST
toJson                                  encoding:to_json                any->string
mustToJson                              encoding:must_to_json           any->string
fromJson                                encoding:from_json              string->MAP
fromJsonArray                           encoding:from_json_array        string->LIST
mustFromJson                            encoding:must_from_json         string->any
toPrettyJson                            encoding:to_pretty_json         any->string
mustToPrettyJson                        encoding:must_to_pretty_json    any->string
toRawJson                               encoding:to_raw_json            any->string
mustToRawJson                           encoding:must_to_raw_json       any->string
toToml                                  encoding:to_toml                any->string
mustToToml                              encoding:must_to_toml           any->string
fromToml                                encoding:from_toml              string->MAP
b64enc                                  encoding        string->string
b64dec                                  encoding        string->string
b32enc                                  encoding        string->string
b32dec                                  encoding        string->string

hello                                   strings         ->string
abbrev                                  strings         int,string->string
abbrevboth                              strings         int,int,string->string
trunc                                   strings         int,string->string
trim                                    strings         string->string
upper                                   strings         string->string
lower                                   strings         string->string
title                                   strings         string->string
untitle                                 strings         string->string
substr                                  strings         int,int,string->string
repeat                                  strings         int,string->string
trimAll|trimall                         strings:trim_all        string,string->string
trimSuffix                              strings:trim_suffix     string,string->string
trimPrefix                              strings:trim_prefix     string,string->string
nospace                                 strings         string->string
initials                                strings         string->string
swapcase                                strings         string->string
snakecase                               strings         string->string
camelcase                               strings         string->string
kebabcase                               strings         string->string
wrap                                    strings         int,string->string
wrapWith                                strings:wrap_with       int,string,string->string
contains                                strings         string,string->bool
hasPrefix                               strings:has_prefix      string,string->bool
hasSuffix                               strings:has_suffix      string,string->bool
quote                                   strings         ...any->string
squote                                  strings         ...any->string
cat                                     strings         ...any->string
indent                                  strings         int,string->string
nindent                                 strings         int,string->string
replace                                 strings         string,string,string->string
plural                                  strings         string,string,int->string
toString                                strings:to_string       any->string
toStrings                               strings:to_strings      any->[]string
split                                   strings         string,string->map[string]string
splitn                                  strings         string,int,string->map[string]string
splitList                               strings:split_list      string,string->[]string
join                                    strings         string,any->string
sortAlpha                               strings:sort_alpha      any->[]string

randAlphaNum                            randoms:alpha_num       int->string
randAlpha                               randoms:alpha           int->string
randAscii                               randoms:ascii_          int->string
randNumeric                             randoms:numeric         int->string
randBytes                               randoms:random_bytes    int->string
randInt                                 randoms:random_int      int,int->int
shuffle                                 randoms:shuffle         string->string
uuidv4                                  randoms:uuidv4          ->string

add                                     numbers         ...any->int64
add1                                    numbers         any->int64
sub                                     numbers         any,any->int64
mul                                     numbers         any,...any->int64
div                                     numbers         any,any->int64
mod                                     numbers         any,any->int64
max|biggest                             numbers:max_    any,...any->int64
min                                     numbers:min_    any,...any->int64
addf                                    numbers         ...any->float64
add1f                                   numbers         any->float64
subf                                    numbers         any,...any->float64
mulf                                    numbers         any,...any->float64
divf                                    numbers         any,...any->float64
maxf                                    numbers         any,...any->float64
minf                                    numbers         any,...any->float64
ceil                                    numbers         any->float64
floor                                   numbers         any->float64
round                                   numbers:round_  any,int,...float64->float64
int                                     numbers:to_int          any->int
int64                                   numbers:to_int64        any->int64
float64                                 numbers:to_float64      any->float64
toDecimal                               numbers:to_decimal      any->int64
atoi                                    numbers         string->int
seq                                     numbers         ...int->string
until                                   numbers         int->[]int
untilStep                               numbers:until_step      int,int,int->[]int

default                                 logic           any,...any->any
empty                                   logic           any->bool
coalesce                                logic           ...any->any
all                                     logic:all_      ...any->bool
any                                     logic:any_      ...any->bool
ternary                                 logic           any,any,bool->any
typeOf                                  logic:type_of_          any->string
typeIs                                  logic:type_is           string,any->bool
typeIsLike                              logic:type_is_like      string,any->bool
kindOf                                  logic:kind_of_          any->string
kindIs                                  logic:kind_is           string,any->bool
deepEqual                               logic:deep_equal        any,any->bool
deepCopy|mustDeepCopy                   logic:deep_copy         any->any

list|tuple                              lists:new_list          ...any->LIST
append|push|mustAppend|mustPush         lists:append            any,any->LIST
prepend|mustPrepend                     lists:prepend           any,any->LIST
concat                                  lists                   ...any->LIST
chunk|mustChunk                         lists:chunk             int,any->[][]interface {}
first|mustFirst                         lists:first             any->any
last|mustLast                           lists:last              any->any
rest|mustRest                           lists:rest              any->LIST
initial|mustInitial                     lists:initial           any->LIST
reverse|mustReverse                     lists:reverse           any->LIST
uniq|mustUniq                           lists:uniq              any->LIST
compact|mustCompact                     lists:compact           any->LIST
without|mustWithout                     lists:without           any,...any->LIST
has|mustHas                             lists:has               any,any->bool
slice|mustSlice                         lists:slice_            any,...any->any

dict                                    dicts:new_dict          ...any->MAP
get                                     dicts                   MAP,string->any
set                                     dicts:set_              MAP,string,any->MAP
unset                                   dicts                   MAP,string->MAP
hasKey                                  dicts:has_key           MAP,string->bool
pluck                                   dicts                   string,...MAP->LIST
pick                                    dicts                   MAP,...string->MAP
omit                                    dicts                   MAP,...string->MAP
keys                                    dicts                   ...MAP->[]string
values                                  dicts                   MAP->LIST
merge|mustMerge                         dicts:merge             MAP,...MAP->any
mergeOverwrite|mustMergeOverwrite       dicts:merge_overwrite   MAP,...MAP->any
dig                                     dicts                   ...any->any

regexMatch                              regex:match             string,string->bool
mustRegexMatch                          regex:must_match        string,string->bool
regexFind                               regex:find              string,string->string
mustRegexFind                           regex:must_find         string,string->string
regexFindAll                            regex:find_all          string,string,int->[]string
mustRegexFindAll                        regex:must_find_all     string,string,int->[]string
regexReplaceAll                         regex:replace_all       string,string,string->string
mustRegexReplaceAll                     regex:must_replace_all  string,string,string->string
regexReplaceAllLiteral                  regex:replace_literal   string,string,string->string
mustRegexReplaceAllLiteral              regex:must_replace_literal  string,string,string->string
regexSplit                              regex:split             string,string,int->[]string
mustRegexSplit                          regex:must_split        string,string,int->[]string
regexQuoteMeta                          regex:quote_meta        string->string

base                                    paths           string->string
dir                                     paths:dir_      string->string
clean                                   paths           string->string
ext                                     paths           string->string
isAbs                                   paths:is_abs    string->bool
osBase                                  paths:base      string->string
osDir                                   paths:dir_      string->string
osClean                                 paths:clean     string->string
osExt                                   paths:ext       string->string
osIsAbs                                 paths:is_abs    string->bool
urlParse                                urls:parse      string->MAP
urlJoin                                 urls:join       MAP->string

now                                     dates           ->time.Time
ago                                     dates           any->string
date                                    dates           string,any->string
dateInZone|date_in_zone                 dates:date_in_zone      string,any,string->string
dateModify|date_modify                  dates:date_modify       string,time.Time->time.Time
mustDateModify|must_date_modify         dates:must_date_modify  string,time.Time->time.Time
duration                                dates           any->string
durationRound                           dates:duration_round    any->string
htmlDate                                dates:html_date         any->string
htmlDateInZone                          dates:html_date_in_zone any,string->string
toDate                                  dates:to_date           string,string->time.Time
mustToDate                              dates:must_to_date      string,string->time.Time
unixEpoch                               dates:unix_epoch        time.Time->string

sha1sum                                 digests         string->string
sha256sum                               digests         string->string
sha512sum                               digests         string->string
adler32sum                              digests         string->string
bcrypt                                  passwords:bcrypt_           string->string
htpasswd                                passwords:htpasswd          string,string->string
derivePassword                          passwords:derive_password   uint32,string,string,string,string->string
encryptAES                              ciphers:encrypt_aes         string,string->string
decryptAES                              ciphers:decrypt_aes         string,string->string
genPrivateKey                           certificates:gen_private_key            string->string
buildCustomCert                         certificates:build_custom_cert          string,string->CERT
genCA                                   certificates:gen_ca                     string,int->CERT
genCAWithKey                            certificates:gen_ca_with_key            string,int,string->CERT
genSelfSignedCert                       certificates:gen_self_signed            string,LIST,LIST,int->CERT
genSelfSignedCertWithKey                certificates:gen_self_signed_with_key   string,LIST,LIST,int,string->CERT
genSignedCert                           certificates:gen_signed                 string,LIST,LIST,int,CERT->CERT
genSignedCertWithKey                    certificates:gen_signed_with_key        string,LIST,LIST,int,CERT,string->CERT

semver                                  versions:semver_            string->*semver.Version
semverCompare                           versions:semver_compare     string,string->bool
"""

MODULES: dict[str, tuple[str, str]] = {}
"""Name of the function -> module below this package and callable in it; module "engine" for the engine's own."""

SIGNATURES: dict[str, str] = {}
"""Name of the function -> `"string,int,...any->string"`: Go types as Go prints them, `any` for interface {}."""


def _read() -> None:
    for line in _TABLE.splitlines():
        if not line:
            continue
        names, where, signature = line.split(maxsplit=2)
        signature = signature.replace("MAP", _MAP).replace("LIST", _LIST).replace("CERT", _CERT)
        module, _, attribute = where.partition(":")
        for name in names.split("|"):
            MODULES[name] = (module, attribute or name)
            SIGNATURES[name] = signature


_read()

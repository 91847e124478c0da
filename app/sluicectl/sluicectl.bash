# SPDX-License-Identifier: BSD-3-Clause
# bash completion for sluicectl(8): the words come from the program's own table of commands.
_sluicectl()
{
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
    local program=${COMP_WORDS[0]} words=() i

    case $prev in
        --socket) mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
        test | diff | apply) mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
    esac
    for ((i = 1; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
            --socket | --instance | --timeout) ((i++)) ;;
            -v | --verbose | --json) ;;
            *) words+=("${COMP_WORDS[i]}") ;;
        esac
    done
    mapfile -t COMPREPLY < <(compgen -W "$("$program" --complete "${words[@]}" 2>/dev/null)" -- "$cur")
    if [[ ${#words[@]} -eq 0 && $cur == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W '--socket --instance --timeout --json --verbose --help --version' -- "$cur")
    fi
}
complete -F _sluicectl sluicectl
